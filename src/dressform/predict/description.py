"""`model.json`: what has to be known to use ``model.onnx``."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dressform.core.errors import RunError
from dressform.core.files import read_json, write_json
from dressform.data.photo import PhotoSettings

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Description:
    """Input and output of an exported model.

    Attributes:
        format: version; a larger one than ``FORMAT`` is refused.
        name: recipe and seed, for people.
        class_names: K names in the order of the logits.
        input: name, type and shape of the pictures: uint8 [N, H, W, C], 0 to 255.
        output: name, type and shape of the logits; softmax gives probabilities.
        preprocessing: how a picture file becomes such an array.
        sha256: of ``model.onnx``.
    """

    format: int = FORMAT
    name: str
    class_names: list[str]
    input: dict[str, Any]
    output: dict[str, Any]
    preprocessing: dict[str, Any]
    sha256: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.input["shape"][1:]
        return int(height), int(width), int(channels)

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Description":
        """Read a description.

        Raises:
            RunError: missing, damaged, or of a newer format.
        """
        document = read_json(path)
        known = {f.name for f in dataclasses.fields(cls)}
        if not isinstance(document, dict) or not known <= set(document):
            raise RunError(f"{path} is not a model description of dressform; it was changed or is from another program")
        if document["format"] > FORMAT:
            raise RunError(f"{path} has format {document['format']}, made by a newer dressform; this version reads up to {FORMAT}")
        found = cls(**{name: document[name] for name in known})
        try:
            whole = len(found.shape) == 3 and len(set(found.class_names)) == int(found.output["shape"][1])
        except (TypeError, ValueError, KeyError, IndexError):
            whole = False
        if not whole:
            raise RunError(
                f"{path} contradicts itself (input shape, class names or number of logits); it was changed by hand or damaged"
            )
        return found


def describe(
    name: str, class_names: tuple[str, ...], shape: tuple[int, int, int], sha256: str, *,
    photo: PhotoSettings | None = None, features: str | None = None,
) -> Description:  # fmt: skip
    """The description of a model exported by :mod:`dressform.predict.export`.

    Args:
        name: recipe and seed.
        class_names: K names.
        shape: height, width and channels.
        sha256: of the file.
        photo: how photos are prepared for it, if at all.
        features: name of the output with its penultimate features, if it has one.
    """
    height, width, channels = shape
    return Description(
        name=name,
        class_names=list(class_names),
        input={"name": "images", "type": "uint8", "shape": ["N", height, width, channels]},
        output={"name": "logits", "type": "float32", "shape": ["N", len(class_names)], "features": features},
        preprocessing={
            "turn": "upright by EXIF", "transparency": "over black", "channels": "grey" if channels == 1 else "RGB",
            "resize": "area averaging to fit, padded with the median colour of the border", "scaling": "inside model.onnx",
            "photo": None if photo is None else dataclasses.asdict(photo),
        },
        sha256=sha256,
    )  # fmt: skip
