"""`PredictionProcess`: the process that prepares images and runs models, beside the server's.

The server's own process answers HTTP on one core, since Python runs one thread at a time; in a
process of their own, predictions take another core, and a model that crashes takes nobody with it.
"""

import asyncio
import contextlib
import itertools
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core import errors
from dressform.core.errors import DressformError, ResourceError
from dressform.core.frames import Json, frame
from dressform.service.frames import next_frame
from dressform.service.training_process import signal_of

logger = logging.getLogger(__name__)

STOPPING = 5.0
"""Seconds that the process has to end by itself before it is killed."""
MAX_LINE = 16 * 2**20
"""Bytes of the JSON that describes a batch's answers."""
COMMAND = (sys.executable, "-P", "-m", "dressform.service.prediction_job")
Frame = tuple[Json, bytes]


@dataclass(frozen=True)
class Question:
    """What is asked about an image file, or about images of the model's size.

    Attributes:
        source: bytes of the file, or uint8 [N, H, W, C].
        name: of the file.
        top: number of classes of the answer.
        steps: whether the answer shows how the image was prepared.
    """

    source: bytes | NDArray[np.uint8]
    name: str = ""
    top: int = 0
    steps: bool = False


Answer = str | NDArray[np.float32] | DressformError
"""JSON of the prediction of a file, logits [N, K] of images, or what is wrong."""


class PredictionProcess:
    """Starts the process when it is needed, and again after it has ended. Belongs to one
    event loop.

    Args:
        max_pixels: that an image file may declare.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._lock = asyncio.Lock()
        self._running: _Running | None = None
        self._is_closed = False

    async def open(self, folder: Path) -> None:
        """Open a model, so that its first prediction is fast.

        Args:
            folder: with ``model.onnx`` and ``model.json``.

        Raises:
            DressformError: it cannot be opened.
        """
        await self._ask({"folder": str(folder), "questions": []}, [])

    async def answer(self, folder: Path, questions: Sequence[Question]) -> list[Answer]:
        """The answers to a batch, in order.

        Args:
            folder: of the model.
            questions: of any kind.

        Raises:
            DressformError: there is no answer to any.
        """
        described, blobs = [], []
        for question in questions:
            source = question.source
            if isinstance(source, bytes):
                facts: Json = {"name": question.name, "top": question.top, "steps": question.steps}
                blobs.append(source)
            else:
                facts = {"shape": source.shape}
                blobs.append(source.tobytes())
            described.append(facts | {"bytes": len(blobs[-1])})
        facts, content = await self._ask(
            {"folder": str(folder), "questions": described, "max_pixels": self._max_pixels}, blobs
        )
        return _answers(facts["answers"], content)

    async def close(self) -> None:
        """End the process; what it has not answered is refused."""
        async with self._lock:
            self._is_closed = True
            running, self._running = self._running, None
        if running is not None:
            await running.end()

    async def _ask(self, facts: Json, blobs: Sequence[bytes]) -> Frame:
        running = self._running
        if running is None or running.has_ended:
            running = await self._started()
        answer = await running.ask(facts, blobs)
        if "error" in answer[0]:
            raise _error(answer[0])
        return answer

    async def _started(self) -> "_Running":
        async with self._lock:
            if self._is_closed:
                raise ResourceError("the server is stopping; try again later")
            if self._running is None or self._running.has_ended:
                try:
                    process = await asyncio.create_subprocess_exec(
                        *COMMAND,
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        limit=MAX_LINE,
                        start_new_session=True,  # Ctrl-C goes to the server alone
                    )
                except OSError as error:
                    raise ResourceError(
                        f"the prediction process cannot be started: {error.strerror}; try again "
                        f"later"
                    ) from error
                self._running = _Running(process)
            return self._running


class _Running:
    """A process that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self.has_ended = self._is_closing = False
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def ask(self, facts: Json, blobs: Sequence[bytes]) -> Frame:
        """The answer, waited for."""
        number = next(self._numbers)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        if self.has_ended:
            raise self._ended()
        self._waiting[number] = answer
        try:
            self._process.stdin.write(frame(facts | {"number": number}, blobs))
            with contextlib.suppress(OSError):  # the listener tells that nobody reads
                await self._process.stdin.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def end(self) -> None:
        """End it, and refuse what waits."""
        assert self._process.stdin is not None
        self._is_closing = True
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOPPING)
        except TimeoutError:
            self._process.kill()
        await self._listener

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            while (answer := await next_frame(self._process.stdout)) is not None:
                waiting = self._waiting.get(answer[0]["number"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        except ValueError:  # no frame
            logger.exception("the prediction process cannot be understood")
            self._process.kill()
        self.has_ended = True
        if await self._process.wait() and not self._is_closing:
            logger.error(str(self._ended()))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self._ended())

    def _ended(self) -> ResourceError:
        if self._is_closing:
            return ResourceError("the server is stopping; try again later")
        code = self._process.returncode
        reason = signal_of(code) if code is not None and code < 0 else f"exit code {code}"
        return ResourceError(f"the prediction process ended ({reason}); send the request again")


def _answers(facts: Sequence[Json], content: bytes) -> list[Answer]:
    found: list[Answer] = []
    start = 0
    for one in facts:
        if "error" in one:
            found.append(_error(one))
            continue
        end = start + one["bytes"]
        if "shape" in one:
            found.append(np.frombuffer(content[start:end], np.float32).reshape(one["shape"]))
        else:
            found.append(content[start:end].decode())
        start = end
    return found


def _error(facts: Json) -> DressformError:
    """What the process told, in the same class."""
    kind: type[DressformError] = getattr(errors, facts["error"], ResourceError)
    return kind(facts["message"])
