"""The JSON documents of the native protocol."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dressform.core.frames import Json
from dressform.service.keys import Scope

Responses = dict[int | str, Json]
"""What a route answers, for OpenAPI."""


def _text(value: str) -> str:
    """PostgreSQL keeps no NUL, and no encoding has half a surrogate pair."""
    if "\0" in value:
        raise ValueError("should have no NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("should be valid Unicode") from None
    return value


NO_NUL = r"^[^\x00]*$"
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"
Text = Annotated[str, Field(max_length=400, pattern=NO_NUL), AfterValidator(_text)]
Id = Annotated[str, Field(max_length=64, pattern=NO_NUL), AfterValidator(_text)]
Name = Annotated[
    str, Field(min_length=1, max_length=200, pattern=NO_CONTROLS), AfterValidator(_text)
]
"""Of a class or a key."""
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ModelState = Literal["training", "ready", "failed", "deleted"]


class Document(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, row: object, **more: object) -> Self:
        """A row's columns of the same names, and ``more``, which the row has not or not so."""
        columns = {name: getattr(row, name) for name in cls.model_fields if name not in more}
        return cls.model_validate(columns | more)


class ErrorDocument(Document):
    """An error, in one line."""

    error: str


class Input(BaseModel):
    """A body; what is not known is refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassDocument(Document):
    """A class."""

    id: str
    name: str
    position: int
    images: int


class ModelDocument(Document):
    """A version."""

    id: str
    project_id: str
    version: int
    state: ModelState
    promoted: bool
    recipe: str | None
    classes: list[str]
    examples: int
    scores: Json | None
    size: int
    created: datetime
    finished: datetime | None
    report: str | None
    download: str | None


class JobDocument(Document):
    """A training."""

    id: str
    project_id: str
    model_id: str
    version: int
    state: JobState
    cancel: bool
    attempts: int
    progress: Json
    error: str | None
    created: datetime
    started: datetime | None
    finished: datetime | None


class ProjectDocument(Document):
    """A project with its counts; ``missing`` says why it cannot be trained yet."""

    id: str
    name: str
    budget: float
    created: datetime
    images: int
    labelled: int
    unlabelled: int
    classes: list[ClassDocument]
    model: ModelDocument | None
    job: JobDocument | None
    missing: str | None


class SuggestionDocument(Document):
    """What a model suggests for an image."""

    label: str
    probability: float | None


class ImageDocument(Document):
    """An image."""

    id: str
    name: str
    sha256: str
    format: str
    width: int
    height: int
    size: int
    label: str | None
    suggestion: SuggestionDocument | None
    usefulness: float | None
    problem: str | None
    created: datetime
    labelled: datetime | None
    thumbnail: str
    original: str


class RefusedDocument(Document):
    """A file that was not taken."""

    name: str
    error: str
    status: int
    kind: Literal["unreadable", "too large", "full", "other"]


class UploadDocument(Document):
    """What became of uploaded files."""

    added: int
    known: int
    images: list[ImageDocument]
    classes: list[str]
    refused: list[RefusedDocument]
    left_out: list[str]
    notes: list[str]


class KeyDocument(Document):
    """A key, without the key itself."""

    id: str
    name: str
    prefix: str
    scope: Scope
    created: datetime
    last_used: datetime | None
    revoked: datetime | None


class Projects(Document):
    """Newest first."""

    projects: list[ProjectDocument]


class Classes(Document):
    """In order."""

    classes: list[ClassDocument]


class Images(Document):
    """A page of images; ``next`` continues it."""

    images: list[ImageDocument]
    next: str | None
    total: int


class Jobs(Document):
    """Newest first."""

    jobs: list[JobDocument]


class Models(Document):
    """Newest first."""

    models: list[ModelDocument]


class Keys(Document):
    """Newest first."""

    keys: list[KeyDocument]
