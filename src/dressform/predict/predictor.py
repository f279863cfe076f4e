"""`Predictor`: classes of new images, by ONNX Runtime, without torch."""

from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.arguments import fraction
from dressform.core.display import brief
from dressform.core.errors import ConfigError, DataError, RunError
from dressform.core.files import sha256_file
from dressform.core.ordered_pool import map_in_order
from dressform.core.threads import cores
from dressform.data.dataset import inference_batch_size
from dressform.data.foreground import segment_foreground
from dressform.data.image import DRAFT_FACTOR
from dressform.data.photo import PreparedImage, is_photo, prepare
from dressform.data.photo_processes import PhotoProcesses
from dressform.data.resample import fit, how_fitted
from dressform.predict.image_input import (
    ImageInput,
    answer_name,
    batch_of,
    check_source,
    check_sources,
    decode,
    name_of,
    without_decoder_warnings,
)
from dressform.predict.model_card import ModelCard
from dressform.predict.model_folder import weights_folder
from dressform.predict.ood import OODDetector
from dressform.predict.prediction import Prediction, doubts
from dressform.predict.session import BATCH_SIZE, open_session, run_session
from dressform.predictions import softmax
from dressform.runs.run import Run

MIN_BATCH_SIZE = 16
"""Smallest batch of :meth:`Predictor.predict_many`: out-of-distribution images are searched for in
a batch at a time.
"""
OOD_THRESHOLD = 0.02
"""Default p-value at or below which an image is out of distribution."""


class Predictor:
    """A trained model, ready to use.

    Args:
        model: a run, the folder of a run, or a folder with ``model.onnx`` and ``model.json``;
            ``"shipped"`` for the model that comes with dressform. Default: the run below ``runs``
            with the best validation accuracy, or where there is none, the shipped model.
        photos: whether to prepare photos as the model requires (:mod:`dressform.data.photo`) or
            only to shrink them to its size.
        threshold: 0 to 1; expected fraction of in-distribution images on which the predictor
            abstains.
        spin: whether threads keep spinning between calls
            (:func:`dressform.predict.session.open_session`).
        threads: that run the network; default: ONNX Runtime's choice.

    Attributes:
        path: of ``model.onnx``.
        description: the model card.
        photo: how photos are prepared, or None.
        ood_detector: detector of out-of-distribution images, or None.
        threshold: as given.

    Raises:
        RunError: there is no usable model.
    """

    def __init__(
        self,
        model: Run | str | Path | None = None,
        *,
        photos: bool = True,
        threshold: float = OOD_THRESHOLD,
        spin: bool = True,
        threads: int | None = None,
    ) -> None:
        folder = weights_folder(model)
        self.description = ModelCard.load(folder / "model.json")
        self.photo = self.description.preprocessing.photo if photos else None
        self.path = folder / "model.onnx"
        if not self.path.is_file():
            raise RunError(f"{folder} has no {self.path.name}; train again, or give another model=")
        if sha256_file(self.path) != self.description.sha256:
            raise RunError(
                f"{self.path} is not the file that its model.json describes (SHA-256 differs); "
                f"copy both again"
            )
        self._session = open_session(self.path, RunError, spin=spin, threads=threads)
        self.threshold = fraction("threshold", threshold)
        self._features = self.description.output.features
        detector_file = folder / "ood_reference.npz"
        self.ood_detector = (
            OODDetector.load(detector_file)
            if self._features is not None and detector_file.is_file()
            else None
        )
        self._check_graph()

    def __repr__(self) -> str:
        card = self.description
        size = " x ".join(map(str, self.shape))
        return brief(
            self, card.name, size, f"{len(self.class_names)} classes", str(self.path.parent)
        )

    def _check_graph(self) -> None:
        """Check that the model card belongs to the graph.

        Raises:
            RunError: the inputs or outputs differ from model.json.
        """
        inputs = [(i.name, i.type, tuple(i.shape[1:])) for i in self._session.get_inputs()]
        outputs = {o.name: tuple(o.shape[1:]) for o in self._session.get_outputs()}
        if inputs != [("images", "tensor(uint8)", self.shape)] or outputs.get("logits") != (
            len(self.class_names),
        ):
            raise RunError(
                f"{self.path} is not the model that its model.json describes (its input or output "
                f"differs); copy both again"
            )
        if self._features is not None and self._features not in outputs:
            raise RunError(
                f"{self.path} has no output {self._features!r}, which its model.json names; copy "
                f"both again"
            )
        if self.ood_detector is not None and self._features is not None:
            width = outputs[self._features]  # ONNX Runtime does not know it for every graph
            if len(width) == 1 and isinstance(width[0], int):
                self._check_width(width[0])

    def _check_width(self, width: int) -> None:
        if self.ood_detector is not None and self.ood_detector.width_of(self.shape[2]) != width:
            raise RunError(
                f"{self.path.with_name('ood_reference.npz')} belongs to another model; copy all "
                f"of {self.path.parent} again"
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names in the order of the logits."""
        return self.description.class_names

    @property
    def temperature(self) -> float:
        """By which logits are divided for the probabilities."""
        return self.description.temperature

    @property
    def abstention(self) -> str | None:
        """How often the model abstains on validation images, and how often it is right about the
        others, in a sentence; None if it never abstains.
        """
        detector = self.ood_detector
        return None if detector is None else detector.abstention(self.threshold)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the model's input."""
        return self.description.shape

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits [N, K] of images that already have the model's size.

        Args:
            images: uint8 [N, H, W, C], [N, C, H, W], or [N, H, W] for a grey model.

        Raises:
            DataError: another type or shape.
        """
        return self._run(["logits"], batch_of(images, self.shape))[0]

    def ood_p_values(self, images: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Conformal p-values of images, 0..1 [N]; None if the model was trained without validation
        images.

        Args:
            images: as for :meth:`logits`.

        Raises:
            DataError: another type or shape.
        """
        return self._logits_and_p_values(batch_of(images, self.shape))[1]

    def _logits_and_p_values(
        self, batch: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
        """Logits and p-values of images."""
        if self.ood_detector is None or self._features is None:
            return self._run(["logits"], batch)[0], None
        logits, features = self._run(["logits", self._features], batch)
        self._check_width(features.shape[1])
        return logits, self.ood_detector.p_values(features, batch)

    def _run(self, outputs: list[str], batch: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        batch_size = inference_batch_size(self.shape, BATCH_SIZE)
        batches = [
            batch[start : start + batch_size] for start in range(0, len(batch), batch_size)
        ] or [batch]
        parts = [
            run_session(
                self._session,
                outputs,
                {"images": np.ascontiguousarray(images)},
                RunError,
                str(self.path),
            )
            for images in batches
        ]
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def predict(self, image: ImageInput, *, top: int = 3, name: str | None = None) -> Prediction:
        """Predict the most probable classes of one image.

        Args:
            image: a file, its bytes, an image of Pillow's, or an array uint8 [H, W], [H, W, 1] or
                [H, W, 3]. An array of the model's size ([C, H, W], too) is its input as it is;
                everything else is prepared like a file.
            top: number of classes.
            name: for messages; default: the path.

        Raises:
            DataError: the image is unusable.
            ConfigError: it is of another type.
        """
        path = name or name_of(image)
        prepared = self.prepare(image, path)
        (answer,) = self.predict_prepared([path], [prepared], top=top, keep_prepared=True)
        if isinstance(answer, DataError):
            raise answer
        return answer

    def prepare(
        self,
        source: ImageInput,
        name: str | None = None,
        *,
        keep_steps: bool = True,
        processes: PhotoProcesses | None = None,
    ) -> PreparedImage:
        """Convert an image to the network's input: uint8 [H, W, C] of the model's size, and the
        steps.

        Args:
            source: as for :meth:`predict`.
            name: for messages.
            keep_steps: whether the image after each step is kept.
            processes: that segment photos; default: this one does.

        Raises:
            DataError: the image is unusable.
            ConfigError: it is of another type.
        """
        check_source(source)
        name = name or name_of(source)
        height, width, channels = self.shape
        grey = [(height, width)] if channels == 1 else []
        shapes = (self.shape, (channels, height, width), *grey)
        if isinstance(source, np.ndarray) and source.dtype == np.uint8 and source.shape in shapes:
            (pixels,) = batch_of(source[None], self.shape)
            made = ""
        else:
            side = max(height, width)
            draft = DRAFT_FACTOR * side
            if self.photo is not None:
                draft = max(2 * self.photo.side, 4 * side)
            image = decode(source, name, draft=draft)
            if self.photo is not None and max(image.size) > side and is_photo(image):
                segment = segment_foreground if processes is None else processes.segment
                return prepare(
                    image, self.shape, self.photo, keep_steps=keep_steps, segment=segment
                )
            pixels = fit(image, self.shape)
            made = how_fitted(image.size, self.shape)
        step = (f"{made}{width} × {height}: what the network sees", pixels.squeeze())
        return PreparedImage(pixels, (step,) if keep_steps else ())

    def batch_size_for(self, count: int, workers: int | None = None) -> int:
        """How many of ``count`` images :meth:`predict_many` answers at a time: fewer if some
        workers would have nothing to do.
        """
        largest = max(MIN_BATCH_SIZE, inference_batch_size(self.shape, BATCH_SIZE))
        return max(1, min(largest, -(-count // (2 * (workers or cores())))))

    def predict_many(
        self,
        images: Iterable[ImageInput],
        *,
        top: int = 3,
        keep_prepared: bool = False,
        workers: int | None = None,
        batch_size: int | None = None,
    ) -> Iterator[Prediction | DataError]:
        """Predict many images in order, lazily; an unusable image yields its error in place of an
        answer.

        Several batches of images are answered at a time, and from the 17th photo on, other
        processes help to prepare photos. An answer may differ in the last digits if its batch has
        other images. While images are answered, Pillow's warnings are not shown.

        Args:
            images: each as for :meth:`predict`. Images given as bytes are named ``-``, for stdin.
            top: number of classes.
            keep_prepared: whether each answer keeps the network's input and how it was made, up to
                0.5 MB an image.
            workers: number of threads, and at most as many processes; with 1 there is neither.
                Default: the cores that this process may use.
            batch_size: images per batch; default: :meth:`batch_size_for` the number of images.

        Raises:
            ConfigError: ``images`` or one of them is of another type, or a number is less than 1.
        """
        check_sources(images)
        for name, number in (("top", top), ("workers", workers), ("batch_size", batch_size)):
            if number is not None and number < 1:
                raise ConfigError(f"{name} is {number}; allowed: 1 or more")
        workers = workers or cores()
        count = len(images) if isinstance(images, Sized) else 2**31

        size = batch_size or self.batch_size_for(count, workers)

        def answers() -> Generator[Prediction | DataError, None, None]:
            with PhotoProcesses(workers) as processes:
                yield from map_in_order(
                    lambda batch: self._answers(batch, top, keep_prepared, processes),
                    images,
                    size,
                    workers,
                )

        return without_decoder_warnings(answers())

    def _answers(
        self,
        batch: Sequence[ImageInput],
        top: int,
        keep_prepared: bool,
        processes: PhotoProcesses,
    ) -> list[Prediction | DataError]:
        """The answer to each image of a batch, or its error."""
        answers: list[Prediction | DataError | None] = []
        names, prepared = [], []
        for source in batch:
            name = answer_name(source)
            try:
                one = self.prepare(source, name, keep_steps=keep_prepared, processes=processes)
                prepared.append(one)
                names.append(name)
                answers.append(None)
            except DataError as error:
                answers.append(error)
        told = self.predict_prepared(names, prepared, top=top, keep_prepared=keep_prepared)
        predictions = iter(told)
        return [next(predictions) if answer is None else answer for answer in answers]

    def predict_prepared(
        self,
        names: Sequence[str],
        prepared: Sequence[PreparedImage],
        *,
        top: int = 3,
        keep_prepared: bool = False,
    ) -> list[Prediction | DataError]:
        """Predict N images that :meth:`prepare` made, in one batch, named by ``names``; for the
        other arguments see :meth:`predict_many`. An image for which the network computes no finite
        scores gets an error in place of an answer.
        """
        if not prepared:
            return []
        logits, p_values = self._logits_and_p_values(np.stack([one.pixels for one in prepared]))
        finite = np.asarray(np.isfinite(logits).all(axis=1))
        probabilities = softmax(np.where(finite[:, None], logits, 0) / self.temperature)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        predictions: list[Prediction | DataError] = []
        for row, (name, image) in enumerate(zip(names, prepared, strict=True)):
            if not finite[row]:
                reason = "divides by 0 or exceeds the range of its numbers for this image"
                predictions.append(
                    DataError(f"{name} gets no finite scores from the model: the network {reason}")
                )
                continue
            p_value = None if p_values is None else float(p_values[row])
            abstain = None if p_value is None else p_value <= self.threshold
            predictions.append(
                Prediction(
                    name,
                    tuple((self.class_names[i], float(probabilities[row, i])) for i in order[row]),
                    p_value,
                    abstain,
                    (*(doubts(p_value) if abstain else ()), *image.warnings),
                    image if keep_prepared else None,
                )
            )
        return predictions
