"""Frames between a program and a process that works for it: a line of JSON, then bytes."""

import json
from collections.abc import Sequence
from typing import IO, Any

Json = dict[str, Any]
"""A JSON document; the line of a frame is one."""
SIZE = "size"
"""Key for the number of bytes that follow the line."""


def frame(facts: Json, blobs: Sequence[bytes] = ()) -> bytes:
    """A frame.

    Args:
        facts: its JSON.
        blobs: whose bytes follow it, one after the other.
    """
    line = json.dumps(facts | {SIZE: sum(map(len, blobs))}, ensure_ascii=False)
    return b"".join([line.encode(), b"\n", *blobs])


def read_frame(stream: IO[bytes]) -> tuple[Json, bytes] | None:
    """The facts and bytes of the next frame; None at the end, even within a frame."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    facts: Json = json.loads(line)
    content = stream.read(facts[SIZE])
    return (facts, content) if len(content) == facts[SIZE] else None
