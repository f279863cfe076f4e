"""Frames (:mod:`dressform.core.frames`) that are waited for in an event loop."""

import asyncio
import json

from dressform.core.frames import SIZE, Json


async def next_frame(stream: asyncio.StreamReader) -> tuple[Json, bytes] | None:
    """As :func:`dressform.core.frames.read_frame`.

    Raises:
        ValueError: it is none, or its line is longer than the stream allows.
    """
    try:
        facts: Json = json.loads(await stream.readuntil(b"\n"))
        return facts, await stream.readexactly(facts[SIZE])
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise ValueError("the line of a frame is too long") from error
