"""`Predictor`: classes of new pictures, by ONNX Runtime, without torch."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, RunError
from dressform.core.files import sha256_file, user_path
from dressform.data.dataset import inference_batch_size
from dressform.data.image import SUFFIXES, fit, is_hidden, open_image
from dressform.data.photo import PreparedImage, is_photo, prepare
from dressform.predict.model_card import ModelCard
from dressform.predict.ood import OODDetector
from dressform.predict.session import AT_ONCE, open_session, run_session
from dressform.predictions import softmax
from dressform.runs.layout import Layout
from dressform.runs.run import Run, open_run

UNSURE = 0.02
"""Share of pictures like the training pictures that are called unusual."""


@dataclass(frozen=True)
class Answer:
    """What the model says about one picture.

    Attributes:
        path: the picture, as it was given.
        top: (class name, probability), most probable first.
        prepared: what the network saw and how it came about.
        ood_p_value: how usual the picture is for the model, 0..1 (:mod:`dressform.predict.ood`);
            None where that is not known.
        abstain: whether it is less usual than the predictor's threshold, so that the classes should
            not be believed.
    """

    path: str
    top: tuple[tuple[str, float], ...]
    prepared: PreparedImage
    ood_p_value: float | None = None
    abstain: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the picture, a line each."""
        if not self.abstain:
            return self.prepared.warnings
        line = (
            f"does not look like the training images: only {100 * (self.ood_p_value or 0):.1f} % "
            f"of "
            f"validation images are this unusual"
        )
        return (line, *self.prepared.warnings)


class Predictor:
    """A trained model, ready to use.

    Args:
        model: a run, the folder of a run, or a folder with ``model.onnx`` and ``model.json``.
        photos: whether photos are prepared as the model wants them (:mod:`dressform.data.photo`);
            else pictures are only shrunk to its size.
        threshold: 0 to 1; of pictures like the training pictures, this share is answered with
            unsure.
        spin: whether threads wait awake for the next picture
            (:func:`dressform.predict.session.open_session`).

    Attributes:
        path: of ``model.onnx``.
        description: what ``model.json`` says.
        photo: how photos are prepared, or None.
        ood_detector: what tells how usual a picture is, or None.
        threshold: as given.

    Raises:
        RunError: no usable model there.
    """

    def __init__(
        self,
        model: Run | str | Path,
        *,
        photos: bool = True,
        threshold: float = UNSURE,
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
                f"copy both anew"
            )
        self._session = open_session(self.path, RunError, spin=spin)
        self.threshold = threshold
        self._features = self.description.output.features
        known = folder / "ood_reference.npz"
        self.ood_detector = (
            OODDetector.load(known) if self._features is not None and known.is_file() else None
        )
        self._check_graph()

    def _check_graph(self) -> None:
        """Refuse a description of another graph.

        Raises:
            RunError: input or outputs are not what model.json says.
        """
        inputs = [(i.name, i.type, tuple(i.shape[1:])) for i in self._session.get_inputs()]
        outputs = {o.name: tuple(o.shape[1:]) for o in self._session.get_outputs()}
        if inputs != [("images", "tensor(uint8)", self.shape)] or outputs.get("logits") != (
            len(self.class_names),
        ):
            raise RunError(
                f"{self.path} is not the model that its model.json describes (its input or output "
                f"differs); copy both anew"
            )
        if self._features is not None and self._features not in outputs:
            raise RunError(
                f"{self.path} has no output {self._features!r}, which its model.json names; copy "
                f"both anew"
            )
        if self.ood_detector is not None and self._features is not None:
            width = outputs[self._features]  # which ONNX Runtime does not know of every graph
            if len(width) == 1 and isinstance(width[0], int):
                self._check_width(width[0])

    def _check_width(self, width: int) -> None:
        if self.ood_detector is not None and self.ood_detector.width_of(self.shape[2]) != width:
            raise RunError(
                f"{self.path.with_name('ood_reference.npz')} is of another model; copy all of "
                f"{self.path.parent} anew"
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
        """Logits [N, K] of pictures that already have the model's size.

        Args:
            images: uint8 [N, H, W, C], [N, C, H, W], or [N, H, W] for a grey model.

        Raises:
            DataError: another type or shape.
        """
        return self._run(["logits"], self._batch(images))[0]

    def ood_p_values(self, images: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """How usual pictures are for the model, 0..1 [N]; None where the model was trained without
        validation pictures.

        Args:
            images: as for :meth:`logits`.

        Raises:
            DataError: another type or shape.
        """
        return self._judge(self._batch(images))[1]

    def _batch(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The pictures as the model wants them: [N, H, W, C]."""
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

    def _judge(
        self, batch: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
        """Logits, and how usual the pictures are."""
        if self.ood_detector is None or self._features is None:
            return self._run(["logits"], batch)[0], None
        logits, features = self._run(["logits", self._features], batch)
        self._check_width(features.shape[1])
        return logits, self.ood_detector.p_values(features, batch)

    def _run(self, outputs: list[str], batch: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        size = inference_batch_size(self.shape, AT_ONCE)
        chunks = [batch[start : start + size] for start in range(0, len(batch), size)] or [batch]
        parts = [
            run_session(
                self._session,
                outputs,
                {"images": np.ascontiguousarray(c)},
                RunError,
                str(self.path),
            )
            for c in chunks
        ]
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def predict(
        self, picture: str | Path | bytes | NDArray[Any], *, top: int = 3, name: str | None = None
    ) -> Answer:
        """The most probable classes of one picture.

        Args:
            picture: a file, its bytes, or uint8 [H, W, C], [C, H, W], or [H, W] for a grey model,
                of the model's size.
            top: how many classes.
            name: what to call it.

        Raises:
            DataError: not a usable picture.
        """
        if isinstance(picture, np.ndarray):
            label = name or "array"
            (pixels,) = self._batch(picture[None])
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
            source = Path(picture) if isinstance(picture, str) else picture
            label = name or (str(picture) if not isinstance(picture, bytes) else "picture")
            prepared = self.prepare(source, label)
        logits, usual = self._judge(prepared.pixels[None])
        share = None if usual is None else float(usual[0])
        return Answer(
            label,
            self._top(logits[0], top),
            prepared,
            share,
            share is not None and share <= self.threshold,
        )

    def prepare(self, picture: Path | bytes, name: str | None = None) -> PreparedImage:
        """What the network sees of a picture file: uint8 [H, W, C] of the model's size, and the
        steps on the way.

        Raises:
            DataError: not a usable picture.
        """
        side = max(self.shape[:2])
        if self.photo is not None:
            image = open_image(picture, name, draft=max(2 * self.photo.side, 4 * side))
            if is_photo(image) and max(image.size) > side:
                return prepare(image, self.shape, self.photo)
        else:
            image = open_image(picture, name, draft=2 * side)
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
        self, pictures: Sequence[Path | bytes], *, top: int = 3
    ) -> Iterator[Answer | DataError]:
        """Answers for many files, in order, each as soon as it is there; a bad file gives its error
        in place of an answer.

        The bytes of a picture are called ``-``, for stdin.
        """
        for picture in pictures:
            try:
                yield self.predict(
                    picture, top=top, name="-" if isinstance(picture, bytes) else None
                )
            except DataError as error:
                yield error

    def _top(self, logits: NDArray[np.float32], top: int) -> tuple[tuple[str, float], ...]:
        probabilities = softmax(logits)
        order = np.argsort(-probabilities, kind="stable")[:top]
        return tuple((self.class_names[i], float(probabilities[i])) for i in order)


def _weights_folder(model: Run | str | Path) -> Path:
    if not isinstance(model, Run):
        folder = user_path(model)
        if (folder / "model.onnx").is_file():
            return folder
        model = open_run(folder)
    if model.manifest.status != "finished":
        raise RunError(
            f"{model.path} is {model.manifest.status}, not finished; train it with --resume first"
        )
    return Layout(model.path).weights


def find_pictures(paths: Sequence[str]) -> list[Path]:
    """The pictures that files and folders stand for; folders give all pictures inside, sorted.

    Raises:
        DataError: a path that does not exist, or a folder without pictures.
    """
    found: list[Path] = []
    for text in paths:
        path = user_path(text)
        if not path.is_dir():
            if not os.path.lexists(path):
                raise DataError(f"{text} does not exist; give picture files or folders of them")
            found.append(path)
            continue
        inside = sorted(
            p
            for p in path.rglob("*")
            if p.suffix.lower() in SUFFIXES and p.is_file() and not is_hidden(p, path)
        )
        if not inside:
            raise DataError(f"folder {text} has no pictures; allowed: {', '.join(SUFFIXES)}")
        found += inside
    return found
