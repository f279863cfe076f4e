"""What the service tells, as records."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

from dressform.core.errors import DressformError

Value = TypeVar("Value")


class ServiceError(DressformError):
    """The service refuses a request.

    Attributes:
        status: of HTTP, such as 404.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class RefusedFile:
    """A file that the service did not take.

    Attributes:
        name: of the file.
        error: why, one line.
    """

    name: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What became of uploaded files.

    Attributes:
        added: number of new images.
        known: number of images that were there already.
        refused: files that were not taken, and rows of a table whose image is not there.
        left_out: files and folders that are no images, such as texts and ``__MACOSX``.
        notes: on how they were read, one line each, such as images without a row in the table.
    """

    added: int = 0
    known: int = 0
    refused: tuple[RefusedFile, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Upload") -> "Upload":
        return Upload(
            added=self.added + other.added,
            known=self.known + other.known,
            refused=self.refused + other.refused,
            left_out=self.left_out + other.left_out,
            notes=self.notes + other.notes,
        )


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A version of a project's model.

    Attributes:
        version: from 1.
        state: ``training``, ``ready``, ``failed`` or ``deleted``.
        promoted: whether it answers predictions.
        recipe: that won; None before it is ready.
        classes: in the order of its outputs.
        examples: number of images that it was trained on.
        scores: ``accuracy`` (0..1), ``low`` and ``high`` (its 95 % interval), ``protocol`` and
            ``held_out`` (images that it was not trained on); None before it is ready.
    """

    version: int
    state: str
    promoted: bool
    recipe: str | None
    classes: tuple[str, ...]
    examples: int
    scores: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class ServicePrediction:
    """The prediction for an image.

    Attributes:
        name: of the image.
        label: the most probable class; None where there is an error.
        probability: of that class, 0..1.
        top: (class, probability), most probable first.
        abstain: whether the image is too unlike the training images; None if the model cannot tell.
        reason: why it abstains, or None.
        error: why there is no prediction, or None.
    """

    name: str
    label: str | None = None
    probability: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    abstain: bool | None = None
    reason: str | None = None
    error: str | None = None


def record_of(kind: type[Value], document: Mapping[str, Any]) -> Value:
    """A record from a document, which may have more keys where the service is newer."""
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in document:
            value = document[field.name]
            values[field.name] = tuple(value) if isinstance(value, list) else value
        elif field.default is MISSING:
            raise ServiceError(f"the answer has no {field.name}; is it a dressform service?", 502)
    return kind(**values)


def upload_of(document: Mapping[str, Any]) -> Upload:
    """What became of an upload, from the service's document."""
    refused = tuple(record_of(RefusedFile, one) for one in document["refused"])
    return Upload(
        added=document["added"],
        known=document["known"],
        refused=refused,
        left_out=tuple(document.get("left_out", ())),
        notes=tuple(document.get("notes", ())),
    )


def prediction_of(document: Mapping[str, Any]) -> ServicePrediction:
    """The prediction for an image, from the service's document."""
    top = tuple((one["label"], one["probability"]) for one in document.get("top", ()))
    return record_of(ServicePrediction, {**document, "top": top})
