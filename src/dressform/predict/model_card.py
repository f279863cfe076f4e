"""`ModelCard`: model.json, which describes how to use ``model.onnx``."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dressform.core.display import brief
from dressform.core.errors import RunError
from dressform.core.files import read_json, write_json
from dressform.core.records import check_format, read_record
from dressform.data.photo import PhotoSettings
from dressform.runs.manifest import check_shape

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ImagesInput:
    """The input of the graph: ``images``, uint8 [N, H, W, C], 0 to 255."""

    name: str = "images"
    type: Literal["uint8"] = "uint8"
    shape: tuple[str, int, int, int]


@dataclass(frozen=True, kw_only=True)
class LogitsOutput:
    """The outputs of the graph: ``logits``, float32 [N, K], ``probabilities``, the softmax of the
    logits divided by the temperature, and optionally features.
    """

    name: str = "logits"
    type: Literal["float32"] = "float32"
    shape: tuple[str, int]
    features: str | None = None


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How an image file becomes an input, in words, and the preparation of photos, if any."""

    turn: str
    transparency: str
    channels: str
    resize: str
    scaling: str
    photo: PhotoSettings | None = None


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """Mean confidence and accuracy on examples that the model was not trained on, calibrated.

    Attributes:
        examples: number of examples.
        mean: mean probability of the predicted class, 0..1.
        accuracy: 0..1.
        sentence: the comparison of the two, for people.
        temperature: by which logits are divided for the probabilities, fitted on these examples;
            mean and accuracy are cross-fitted.
    """

    examples: int
    mean: float
    accuracy: float
    sentence: str
    temperature: float

    def __post_init__(self) -> None:
        if not 0.01 <= self.temperature <= 100:
            raise ValueError(f"temperature {self.temperature}; allowed: 0.01 to 100")


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Input and output of an exported model.

    Attributes:
        format: version; a larger one than ``FORMAT`` is refused.
        name: recipe and seed, for people.
        class_names: K names in the order of the logits.
        input: the images.
        output: the logits.
        preprocessing: how an image file becomes an input.
        sha256: of ``model.onnx``.
        confidence: on validation examples, if there were any.
    """

    format: int = FORMAT
    name: str
    class_names: tuple[str, ...]
    input: ImagesInput
    output: LogitsOutput
    preprocessing: Preprocessing
    sha256: str
    confidence: Confidence | None = None

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if (
            len(set(self.class_names)) != len(self.class_names)
            or len(self.class_names) != self.output.shape[1]
        ):
            raise ValueError(
                f"{self.output.shape[1]} logits and {len(set(self.class_names))} different class "
                f"names"
            )

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        return brief(self, self.name, size, f"{len(self.class_names)} classes")

    @property
    def temperature(self) -> float:
        """By which logits are divided for the probabilities; 1 without validation examples to fit
        it on.
        """
        return 1.0 if self.confidence is None else self.confidence.temperature

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.input.shape[1:]

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> "ModelCard":
        """Read a model card.

        Raises:
            RunError: the file is missing, damaged, or of a newer format.
        """
        document = read_json(path)
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise RunError(
                f"{path} is not a model card of dressform; give the model.json that belongs to "
                f"model.onnx"
            )
        check_format(document, FORMAT, path)
        return read_record(cls, document, path, advice="copy it again, with its model.onnx")


def describe(
    name: str,
    class_names: tuple[str, ...],
    shape: tuple[int, int, int],
    sha256: str,
    *,
    photo: PhotoSettings | None = None,
    features: str | None = None,
    confidence: Confidence | None = None,
) -> ModelCard:
    """Create the card of a model exported by :mod:`dressform.predict.export`.

    Args:
        name: recipe and seed.
        class_names: K names.
        shape: height, width and channels.
        sha256: of the file.
        photo: how photos are prepared for it, or None.
        features: name of the output with penultimate features, or None.
        confidence: on validation examples, if there were any.
    """
    return ModelCard(
        name=name,
        class_names=class_names,
        input=ImagesInput(shape=("N", *shape)),
        output=LogitsOutput(shape=("N", len(class_names)), features=features),
        preprocessing=Preprocessing(
            turn="upright by EXIF",
            transparency="over white",
            channels="grey" if shape[2] == 1 else "RGB",
            resize="area averaging to fit, padded with the median colour of the border",
            scaling="inside model.onnx",
            photo=photo,
        ),
        sha256=sha256,
        confidence=confidence,
    )
