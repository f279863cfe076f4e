"""`ServedModel`: a model that answers many requests at once, in batches."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, DressformError, ResourceError
from dressform.predict.model_card import ModelCard
from dressform.service.errors import BusyError, TooLargeError
from dressform.service.prediction_process import Answer, PredictionProcess, Question
from dressform.service.settings import ServiceSettings

MAX_BATCH = 64
"""Images of a batch; a request with more tensors than that is a batch of its own."""
AT_ONCE = 3
"""Batches of a model on their way at one time: while one runs, the answers of another are sent."""
ENOUGH = 16
"""Images that have to wait before another batch is started beside one."""
MAX_BATCH_BYTES = 2 * 2**20
"""Of the files or tensors of a batch; larger ones are a batch of their own."""
MAX_WAITING_BYTES = 256 * 2**20
"""Of image files that wait for one model."""
MAX_RETRY_AFTER = 60


@dataclass(frozen=True, kw_only=True)
class ModelKey:
    """Which model it is.

    Attributes:
        model_id: of the model.
        project_id: its project.
        version: from 1.
    """

    model_id: str
    project_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Running:
    """Where batches are answered.

    Attributes:
        process: that answers them.
        tasks: that must not be forgotten while they run.
    """

    process: PredictionProcess
    tasks: "set[asyncio.Task[None]]"


@dataclass(frozen=True, eq=False)
class _Request:
    """What waits."""

    question: Question
    answer: "asyncio.Future[Answer]"

    @property
    def count(self) -> int:
        source = self.question.source
        return len(source) if isinstance(source, np.ndarray) else 1

    @property
    def is_tensor(self) -> bool:
        return isinstance(self.question.source, np.ndarray)

    @property
    def size(self) -> int:
        source = self.question.source
        return source.nbytes if isinstance(source, np.ndarray) else len(source)


class ServedModel:
    """A model, and the queue before it. Belongs to one event loop.

    A batch starts as soon as none is on its way, with what has come meanwhile, so nobody waits for
    a batch to fill; under load, others start beside it.

    Args:
        key: which model it is.
        folder: with ``model.onnx`` and ``model.json``.
        running: of all models.
        settings: the limits.

    Attributes:
        key: as given.
        folder: as given.
        card: what ``model.json`` says.
        waiting: number of images that are not answered yet.

    Raises:
        RunError: ``model.json`` cannot be read.
    """

    def __init__(
        self, key: ModelKey, folder: Path, running: Running, settings: ServiceSettings
    ) -> None:
        self.key, self.card = key, ModelCard.load(folder / "model.json")
        self.waiting = 0
        self.folder, self._running, self._settings = folder, running, settings
        self._queue: deque[_Request] = deque()
        self._batches = 0
        self._bytes = 0
        self._rate = 0.0

    async def predict(
        self, images: Sequence[tuple[str, bytes]], *, top: int | None = None, steps: bool = False
    ) -> list[str | DataError]:
        """Predict the classes of image files.

        Args:
            images: name, for messages, and bytes of each.
            top: number of classes of each answer; default: all.
            steps: whether answers show the image after each step of its preparation.

        Returns:
            the prediction of each image as JSON, or what is wrong with it, in order.

        Raises:
            BusyError: too many images wait already.
            TooLargeError: there are more images than may ever wait.
            ResourceError: the model does not answer, or the server stops.
        """
        size = sum(len(content) for _, content in images)
        with self._admitted(len(images), size):
            most = len(self.card.class_names)
            top = most if top is None else min(top, most)
            questions = [Question(content, name, top, steps) for name, content in images]
            if len(questions) == 1:
                return [cast("str | DataError", await self._enqueue(questions[0]))]
            answers = await asyncio.gather(*map(self._enqueue, questions))
        return cast("list[str | DataError]", answers)

    async def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits [N, K] of images that have the model's size already.

        Args:
            images: uint8 [N, H, W, C].

        Raises:
            BusyError: too many images wait already.
            TooLargeError: there are more images than may ever wait.
            ResourceError: the model does not answer, or the server stops.
        """
        with self._admitted(len(images), images.nbytes):
            return cast("NDArray[np.float32]", await self._enqueue(Question(images)))

    @contextmanager
    def _admitted(self, count: int, size: int) -> Iterator[None]:
        """Count images as waiting, until they are answered or given up."""
        most = self._settings.max_waiting
        if count > most or size > MAX_WAITING_BYTES:
            raise TooLargeError(
                f"{count:,} images of {size:,} bytes in one request; allowed: {most:,} images, "
                f"{MAX_WAITING_BYTES:,} bytes; send fewer at a time"
            )
        if self.waiting + count > most or self._bytes + size > MAX_WAITING_BYTES:
            seconds = math.ceil(self.waiting / self._rate) if self._rate else 1
            raise BusyError(
                f"{self.waiting:,} images wait for this model already; allowed: {most:,} images, "
                f"{MAX_WAITING_BYTES:,} bytes; try again later",
                retry_after=max(1, min(MAX_RETRY_AFTER, seconds)),
            )
        self.waiting += count
        self._bytes += size
        try:
            yield
        finally:
            self.waiting -= count
            self._bytes -= size

    def _enqueue(self, question: Question) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append(_Request(question, answer))
        self._start_batches()
        return answer

    def _start_batches(self) -> None:
        """Start a batch if none is being answered, or if enough waits for one more."""
        while self._queue and (
            not self._batches or (len(self._queue) >= ENOUGH and self._batches < AT_ONCE)
        ):
            batch = self._next_batch()
            if batch:
                self._batches += 1
                task = asyncio.get_running_loop().create_task(self._answer(batch))
                self._running.tasks.add(task)
                task.add_done_callback(self._running.tasks.discard)

    async def _answer(self, batch: Sequence[_Request]) -> None:
        """Answer a batch; when cancelled, refuse it, and what is left."""
        try:
            began = time.monotonic()
            answers = await self._answers([request.question for request in batch])
            for request, answer in zip(batch, answers, strict=True):
                if request.answer.done():
                    continue  # given up meanwhile
                if isinstance(answer, DressformError) and (
                    request.is_tensor or not isinstance(answer, DataError)
                ):
                    request.answer.set_exception(answer)
                else:
                    request.answer.set_result(answer)
            rate = sum(request.count for request in batch) / (time.monotonic() - began + 1e-6)
            self._rate = 0.9 * self._rate + 0.1 * rate if self._rate else rate
        except asyncio.CancelledError:
            self._refuse(self._queue)
            self._queue.clear()
            raise
        finally:
            self._batches -= 1
            self._refuse(batch)
            self._start_batches()

    def _refuse(self, requests: Iterable[_Request]) -> None:
        for request in requests:
            if not request.answer.done():
                request.answer.set_exception(ResourceError("the server is stopping"))

    def _next_batch(self) -> list[_Request]:
        batch: list[_Request] = []
        count = size = 0
        while self._queue and count < MAX_BATCH and size < MAX_BATCH_BYTES:
            request = self._queue.popleft()
            if not request.answer.done():
                batch.append(request)
                count += request.count
                size += request.size
        return batch

    async def _answers(self, questions: Sequence[Question]) -> list[Answer]:
        """The answers to a batch; requests that fail together are answered one by one, so that
        nobody gets an error that another request causes.
        """
        try:
            return await self._running.process.answer(self.folder, questions)
        except DressformError as error:
            if len(questions) > 1:
                return [(await self._answers([question]))[0] for question in questions]
            return [error]
