"""`Predictor`: classes of new images, by ONNX Runtime, without torch."""

import numbers
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError, RunError
from dressform.core.files import sha256_file, user_path
from dressform.data.dataset import inference_batch_size
from dressform.data.image import SUFFIXES, fit, open_image
from dressform.data.leftovers import is_leftover
from dressform.data.photo import PreparedImage, is_photo, prepare
from dressform.predict.model_card import ModelCard
from dressform.predict.ood import OODDetector
from dressform.predict.session import BATCH_SIZE, open_session, run_session
from dressform.predictions import softmax
from dressform.runs.layout import Layout
from dressform.runs.run import Run, open_run

OOD_THRESHOLD = 0.02
"""Default p-value at or below which an image is out of distribution."""


@dataclass(frozen=True)
class Prediction:
    """The prediction of one image.

    Attributes:
        path: of the image, as given.
        top: (class name, probability), most probable first.
        prepared: the network's input and how it was made.
        ood_p_value: conformal p-value of the image, 0..1 (:mod:`dressform.predict.ood`); None if
            unknown.
        abstain: whether it is at most the predictor's threshold, so that the classes are
            unreliable.
    """

    path: str
    top: tuple[tuple[str, float], ...]
    prepared: PreparedImage
    ood_p_value: float | None = None
    abstain: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the image, one line each."""
        if not self.abstain:
            return self.prepared.warnings
        line = (
            f"does not look like the training images: only {100 * (self.ood_p_value or 0):.1f} % "
            f"of validation images are this unusual"
        )
        return (line, *self.prepared.warnings)


class Predictor:
    """A trained model, ready to use.

    Args:
        model: a run, the folder of a run, or a folder with ``model.onnx`` and ``model.json``.
        photos: whether to prepare photos as the model requires (:mod:`dressform.data.photo`) or
            only to shrink them to its size.
        threshold: 0 to 1; expected fraction of in-distribution images on which the predictor
            abstains.
        spin: whether threads keep spinning between calls
            (:func:`dressform.predict.session.open_session`).

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
        model: Run | str | Path,
        *,
        photos: bool = True,
        threshold: float = OOD_THRESHOLD,
        spin: bool = True,
    ) -> None:
        folder = _weights_folder(model)
        self.description = ModelCard.load(folder / "model.json")
        self.photo = self.description.preprocessing.photo if photos else None
        self.path = folder / "model.onnx"
        if not self.path.is_file():
            raise RunError(
                f"{folder} has no {self.path.name}; train into another --out, or give another "
                f"--model"
            )
        if sha256_file(self.path) != self.description.sha256:
            raise RunError(
                f"{self.path} is not the file that its model.json describes (SHA-256 differs); "
                f"copy both again"
            )
        self._session = open_session(self.path, RunError, spin=spin)
        self.threshold = _checked_threshold(threshold)
        self._features = self.description.output.features
        detector_file = folder / "ood_reference.npz"
        self.ood_detector = (
            OODDetector.load(detector_file)
            if self._features is not None and detector_file.is_file()
            else None
        )
        self._check_graph()

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
        return self._run(["logits"], self._batch(images))[0]

    def ood_p_values(self, images: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Conformal p-values of images, 0..1 [N]; None if the model was trained without validation
        images.

        Args:
            images: as for :meth:`logits`.

        Raises:
            DataError: another type or shape.
        """
        return self._logits_and_p_values(self._batch(images))[1]

    def _batch(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Images in the model's layout: [N, H, W, C]."""
        height, width, channels = self.shape
        batch = np.asarray(images)
        if batch.ndim == 3 and channels == 1:
            batch = batch[..., None]
        if batch.ndim == 4 and batch.shape[1:] == (channels, height, width) != (
            height,
            width,
            channels,
        ):
            batch = batch.transpose(0, 2, 3, 1)
        if batch.dtype != np.uint8 or batch.shape[1:] != (height, width, channels):
            raise DataError(
                f"images are {batch.dtype} {list(batch.shape)}; allowed: uint8 [N, {height}, "
                f"{width}, {channels}]"
                f" or [N, {channels}, {height}, {width}]"
            )
        return batch

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

    def predict(
        self, image: str | Path | bytes | NDArray[Any], *, top: int = 3, name: str | None = None
    ) -> Prediction:
        """Predict the most probable classes of one image.

        Args:
            image: a file, its bytes, or uint8 [H, W, C], [C, H, W], or [H, W] for a grey model,
                of the model's size.
            top: number of classes.
            name: for messages.

        Raises:
            DataError: the image is unusable.
        """
        if isinstance(image, np.ndarray):
            path = name or "array"
            (pixels,) = self._batch(image[None])
            prepared = PreparedImage(
                pixels,
                (
                    (
                        f"{pixels.shape[1]} × {pixels.shape[0]}: what the network sees",
                        pixels.squeeze(),
                    ),
                ),
            )
        else:
            source = Path(image) if isinstance(image, str) else image
            path = name or (str(image) if not isinstance(image, bytes) else "image")
            prepared = self.prepare(source, path)
        logits, p_values = self._logits_and_p_values(prepared.pixels[None])
        p_value = None if p_values is None else float(p_values[0])
        return Prediction(
            path,
            self._top(logits[0], top),
            prepared,
            p_value,
            p_value is not None and p_value <= self.threshold,
        )

    def prepare(self, source: Path | bytes, name: str | None = None) -> PreparedImage:
        """Convert an image file, or its bytes, to the network's input: uint8 [H, W, C] of the
        model's size, and the steps.

        Raises:
            DataError: the image is unusable.
        """
        side = max(self.shape[:2])
        if self.photo is not None:
            image = open_image(source, name, draft=max(2 * self.photo.side, 4 * side))
            if is_photo(image) and max(image.size) > side:
                return prepare(image, self.shape, self.photo)
        else:
            image = open_image(source, name, draft=2 * side)
        pixels = fit(image, self.shape)
        return PreparedImage(
            pixels,
            (
                (
                    f"shrunk to {pixels.shape[1]} × {pixels.shape[0]}: what the network sees",
                    pixels.squeeze(),
                ),
            ),
        )

    def predict_many(
        self, images: Sequence[Path | bytes], *, top: int = 3
    ) -> Iterator[Prediction | DataError]:
        """Predict many files in order, lazily; an unusable file yields its error in place of an
        answer.

        Images given as bytes are named ``-``, for stdin.
        """
        for source in images:
            try:
                yield self.predict(source, top=top, name="-" if isinstance(source, bytes) else None)
            except DataError as error:
                yield error

    def _top(self, logits: NDArray[np.float32], top: int) -> tuple[tuple[str, float], ...]:
        probabilities = softmax(logits)
        order = np.argsort(-probabilities, kind="stable")[:top]
        return tuple((self.class_names[i], float(probabilities[i])) for i in order)


def _checked_threshold(threshold: float) -> float:
    if not isinstance(threshold, numbers.Real) or not 0 <= threshold <= 1:
        raise ConfigError(f"threshold is {threshold!r}; allowed: a number from 0 to 1")
    return threshold


def _weights_folder(model: Run | str | Path) -> Path:
    if not isinstance(model, Run):
        folder = user_path(model)
        if (folder / "model.onnx").is_file():
            return folder
        if folder.suffix == ".onnx" and folder.is_file():
            raise RunError(
                f"{folder} is a file; give its folder, which has model.json too, or evaluate it "
                f"with 'dressform evaluate {folder}'"
            )
        model = open_run(folder)
    if model.manifest.status != "finished":
        raise RunError(
            f"{model.path} is {model.manifest.status}, not finished; train it with --resume first"
        )
    return Layout(model.path).weights


def find_images(paths: Sequence[str]) -> list[Path]:
    """The image files at paths; folders are searched recursively, in sorted order.

    Raises:
        DataError: a path does not exist, or a folder has no images.
    """
    images: list[Path] = []
    for text in paths:
        path = user_path(text)
        if not path.is_dir():
            if not os.path.lexists(path):
                raise DataError(f"{text} does not exist; give image files or folders of them")
            images.append(path)
            continue
        inside = sorted(
            p
            for p in path.rglob("*")
            if p.suffix.lower() in SUFFIXES
            and p.is_file()
            and not any(map(is_leftover, p.relative_to(path).parts))
        )
        if not inside:
            raise DataError(f"folder {text} has no images; allowed: {', '.join(SUFFIXES)}")
        images += inside
    return images
