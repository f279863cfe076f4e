"""Answers to the server, by ONNX Runtime: ``python -m dressform.service.prediction_job``, begun by
:mod:`dressform.service.prediction_process`.

It ends when the pipe to its stdin does, so however the server ends.
"""

import base64
import gc
import io
import json
import logging
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from threadpoolctl import threadpool_limits

from dressform.core.errors import DataError, DressformError, ResourceError
from dressform.core.frames import Json, frame, read_frame
from dressform.core.threads import cores
from dressform.data.image import MAX_PIXELS
from dressform.data.photo import PreparedImage, Step
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import Predictor
from dressform.service.images import check_pixels
from dressform.service.logs import log_to_stderr
from dressform.service.prediction_process import Answer

logger = logging.getLogger(__name__)

SMALL = 32 * 2**10
"""Bytes up to which an image file is decoded in its batch's thread; a larger one takes so long that
it has a thread of its own.
"""
SMALL_MODEL = 0.005
"""Seconds for an image up to which a model runs in one thread: more of them would mostly wait for
each other, and for the server.
"""
MAX_OPEN = 16
"""Models in memory; one that was not used for longest makes room."""


class OpenModels:
    """Models by their folders, opened when they are needed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._open: OrderedDict[str, Predictor] = OrderedDict()

    def get(self, folder: str) -> Predictor:
        """The model of a folder.

        Raises:
            DressformError: it cannot be opened.
        """
        with self._lock:
            opening = self._opening.setdefault(folder, threading.Lock())
        with opening:
            with self._lock:
                found = self._open.get(folder)
                if found is not None:
                    self._open.move_to_end(folder)
                    return found
            found = _opened(folder)
            with self._lock:
                self._open[folder] = found
                while len(self._open) > MAX_OPEN:
                    self._open.popitem(last=False)  # whoever works with it still has it
            return found


def _opened(folder: str) -> Predictor:
    # threads that spin would take the cores from the server
    predictor = Predictor(Path(folder), spin=False, threads=1)
    if _seconds(predictor) > SMALL_MODEL:
        predictor = Predictor(Path(folder), spin=False)
        _seconds(predictor)  # the first call is slow
    return predictor


def _seconds(predictor: Predictor) -> float:
    """That a prediction takes, at best."""
    image = predictor.prepare(np.zeros(predictor.shape, np.uint8))
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        predictor.predict_prepared(["warm-up"], [image])
        seconds.append(time.perf_counter() - began)
    return min(seconds)


class Answering:
    """Answers frames.

    Args:
        preparing: threads for image files that take long.
    """

    def __init__(self, preparing: ThreadPoolExecutor) -> None:
        self._preparing = preparing
        self._models = OpenModels()

    def answer(self, facts: Json, content: bytes) -> tuple[Json, list[bytes]]:
        """The frame that answers another."""
        try:
            predictor = self._models.get(facts["folder"])
            questions = facts["questions"]
            answers = self._answers(predictor, questions, content, facts) if questions else []
        except Exception as error:  # noqa: BLE001 - told, and logged
            return _told(error), []
        described, blobs = [], []
        for answer in answers:
            if isinstance(answer, DressformError):
                described.append(_told(answer))
                continue
            if isinstance(answer, str):
                blobs.append(answer.encode())
                described.append({"bytes": len(blobs[-1])})
            else:
                blobs.append(answer.astype("<f4").tobytes())
                described.append({"bytes": len(blobs[-1]), "shape": answer.shape})
        return {"answers": described}, blobs

    def _answers(
        self, predictor: Predictor, questions: Sequence[Json], content: bytes, facts: Json
    ) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(questions)
        sources, start = [], 0
        for question in questions:
            sources.append(content[start : start + question["bytes"]])
            start += question["bytes"]

        def prepare(i: int) -> PreparedImage | DataError:
            name, most = questions[i]["name"], facts["max_pixels"]
            try:
                if most < MAX_PIXELS:
                    check_pixels(sources[i], name, most)
                return predictor.prepare(sources[i], name, keep_steps=questions[i]["steps"])
            except DataError as error:
                return error

        files = [i for i, question in enumerate(questions) if "shape" not in question]
        large = {i: self._preparing.submit(prepare, i) for i in files if len(sources[i]) > SMALL}
        prepared: dict[int, PreparedImage] = {}
        for i in files:
            done = large[i].result() if i in large else prepare(i)
            if isinstance(done, DataError):
                answers[i] = done
            else:
                prepared[i] = done
        predictions = predictor.predict_prepared(
            [questions[i]["name"] for i in prepared],
            list(prepared.values()),
            top=max((questions[i]["top"] for i in prepared), default=1),
            keep_prepared=True,
        )
        for (i, image), prediction in zip(prepared.items(), predictions, strict=True):
            if isinstance(prediction, DataError):
                answers[i] = prediction
                continue
            steps = image.steps if questions[i]["steps"] else None
            answers[i] = json_of(prediction, questions[i]["top"], steps)
        tensors = {
            i: np.frombuffer(sources[i], np.uint8).reshape(question["shape"])
            for i, question in enumerate(questions)
            if "shape" in question
        }
        for i, logits in zip(tensors, _logits(predictor, list(tensors.values())), strict=True):
            answers[i] = logits
        return cast("list[Answer]", answers)


def _logits(
    predictor: Predictor, tensors: Sequence[NDArray[np.uint8]]
) -> Iterator[NDArray[np.float32] | DressformError]:
    """Logits of images that have the model's size; those of another size have an error."""
    fitting = [images for images in tensors if images.shape[1:] == predictor.shape]
    logits: Iterator[NDArray[np.float32]] = iter(())
    if fitting:
        ends = np.cumsum([len(images) for images in fitting])[:-1]
        logits = iter(np.split(predictor.logits(np.concatenate(fitting)), ends))
    for images in tensors:
        if images.shape[1:] == predictor.shape:
            yield next(logits)
            continue
        try:
            yield predictor.logits(images)
        except DressformError as error:
            yield error


def _told(error: Exception) -> Json:
    if not isinstance(error, DressformError):
        logger.exception("a prediction failed")
        error = ResourceError("a prediction failed; the server's log says why")
    return {"error": type(error).__name__, "message": str(error)}


def json_of(prediction: Prediction, top: int, steps: Sequence[Step] | None) -> str:
    """A prediction as the native API gives it.

    Args:
        prediction: with at least ``top`` classes.
        top: number of classes.
        steps: of the preparation, or None.
    """
    count = int(bool(prediction.abstain))  # the first warning says why
    reasons, warnings = prediction.warnings[:count], prediction.warnings[count:]
    label, probability = prediction.top[0]
    document: Json = {
        "name": prediction.path,
        "label": label,
        "probability": probability,
        "top": [{"label": label, "probability": p} for label, p in prediction.top[:top]],
        "abstain": prediction.abstain,
        "reason": reasons[0] if reasons else None,
        "ood_p_value": prediction.ood_p_value,
        "warnings": warnings,
    }
    if steps is not None:
        document["steps"] = [_step(step) for step in steps]
    return json.dumps(document, ensure_ascii=False)


def _step(step: Step) -> Json:
    description, pixels = step
    image, out = PillowImage.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    image.save(out, "PNG")
    return {
        "description": description,
        "width": image.width,
        "height": image.height,
        "image": "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii"),
    }


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer frames until there are no more.

    Args:
        requests: a stream of frames.
        answers: to which their answers are written, in any order.
    """
    writing = threading.Lock()
    answering = Answering(ThreadPoolExecutor(cores(), thread_name_prefix="prepare"))
    running = ThreadPoolExecutor(cores(), thread_name_prefix="predict")

    def answer(facts: Json, content: bytes) -> None:
        told, blobs = answering.answer(facts, content)
        with writing:
            answers.write(frame(told | {"number": facts["number"]}, blobs))
            answers.flush()

    # NumPy's threads wait awake for each other, and take the cores from the server meanwhile
    with threadpool_limits(1, user_api="blas"):
        while (request := read_frame(requests)) is not None:
            running.submit(answer, *request)
        running.shutdown()


if __name__ == "__main__":
    log_to_stderr()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    gc.freeze()  # what was imported stays, and need not be looked at again
    serve(sys.stdin.buffer, out)
    out.flush()
    os._exit(0)  # nobody waits for what still runs
