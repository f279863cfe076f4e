"""Images of a project: listed, shown, labelled one by one, deleted."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from dressform.core.errors import ConfigError
from dressform.service import projects
from dressform.service.database.tables import Image
from dressform.service.http.auth import HasService, MayTrain
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API, image_documents
from dressform.service.http.schemas import (
    Document,
    Id,
    ImageDocument,
    Images,
    Input,
    Name,
    Responses,
)

SHOWN = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
}
"""Formats that browsers show; all others are only saved."""
FOREVER = "private, max-age=31536000, immutable"
IMAGE_ANSWER: Responses = {200: {"content": {"image/jpeg": {}}}}

router = APIRouter(prefix=API)
Sort = Literal["newest", "oldest", "name", "usefulness"]
State = Literal["labelled", "unlabelled", "problem"]


class Label(Input):
    """A class's name, or null."""

    label: Name | None


class Ids(Input):
    """Several images."""

    ids: Annotated[list[Id], Field(max_length=20_000)]


class Deleted(Document):
    """Number of images."""

    deleted: int


@router.get("/projects/{project_id}/images")
def list_images(
    caller: MayTrain,
    service: HasService,
    project_id: str,
    label: Annotated[Name | None, Query()] = None,
    state: State | None = None,
    sort: Sort = "newest",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Images:
    """A page of images. ``cursor`` is ``next`` of the page before; images that are labelled,
    added or deleted meanwhile neither repeat nor hide others.
    """
    order = _Order.of(sort)
    with service.database.reading() as session:
        project = projects.project_of(session, caller, project_id)
        filtered = select(Image).where(Image.project_id == project.id)
        if label is not None:
            category = projects.category_of(session, project, label)
            filtered = filtered.where(Image.category_id == category.id)
        if state == "labelled":
            filtered = filtered.where(Image.category_id.is_not(None))
        elif state == "unlabelled":
            filtered = filtered.where(Image.category_id.is_(None))
        elif state == "problem":
            filtered = filtered.where(Image.problem.is_not(None))
        total = session.scalar(select(func.count()).select_from(filtered.subquery())) or 0
        page = list(session.scalars(order.page(filtered, cursor).limit(limit + 1)))
        more = len(page) > limit
        return Images(
            images=image_documents(session, project, page[:limit]),
            next=order.cursor(page[limit - 1]) if more else None,
            total=total,
        )


class _Order:
    """An order of images that can be continued after any of them.

    Args:
        name: column that decides first; the id decides last.
        descending: whether the largest come first.
    """

    def __init__(self, name: str, *, descending: bool) -> None:
        self._name, self._descending = name, descending
        column: InstrumentedAttribute[Any] = getattr(Image, name)
        # What has no usefulness comes last.
        self._value: ColumnElement[Any] = (
            func.coalesce(column, -1.0) if name == "usefulness" else column.expression
        )

    @classmethod
    def of(cls, sort: Sort) -> "_Order":
        """The order of a name."""
        if sort == "name":
            return cls("name", descending=False)
        if sort == "usefulness":
            return cls("usefulness", descending=True)
        return cls("created", descending=sort == "newest")

    def page(self, query: Select[Image], cursor: str | None) -> Select[Image]:
        """The images after a cursor."""
        key = tuple_(self._value, Image.id)
        if cursor is not None:
            after = self._decoded(cursor)
            query = query.where(key < after if self._descending else key > after)
        columns = (self._value, Image.id.expression)
        return query.order_by(*(c.desc() if self._descending else c.asc() for c in columns))

    def cursor(self, image: Image) -> str:
        """What continues after an image."""
        value = getattr(image, self._name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif value is None:
            value = -1.0
        text = json.dumps([self._name, value, image.id])
        return base64.urlsafe_b64encode(text.encode()).decode()

    def _decoded(self, cursor: str) -> Any:
        try:
            name, value, image_id = json.loads(base64.urlsafe_b64decode(cursor))
            if name != self._name or not isinstance(image_id, str):
                raise ValueError
            if name == "created":
                value = datetime.fromisoformat(value).astimezone(UTC)
            elif name == "usefulness":
                value = float(value)
            elif not isinstance(value, str):
                raise ValueError
            if "\0" in f"{value}{image_id}":
                raise ValueError
            f"{value}{image_id}".encode()
        except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
            raise ConfigError(
                "cursor is of another list; leave it out to begin with the first page"
            ) from None
        return tuple_(self._literal(value), image_id)

    def _literal(self, value: Any) -> Any:
        column: InstrumentedAttribute[Any] = getattr(Image, self._name)
        return literal(value, column.type)


@router.get("/projects/{project_id}/images/{image_id}")
def show_image(
    caller: MayTrain, service: HasService, project_id: str, image_id: str
) -> ImageDocument:
    """An image."""
    with service.database.reading() as session:
        project = projects.project_of(session, caller, project_id)
        image = projects.image_of(session, project, image_id)
        return image_documents(session, project, [image])[0]


@router.patch("/projects/{project_id}/images/{image_id}")
def label_image(
    caller: MayTrain, change: HasChange, project_id: str, image_id: str, body: Label
) -> ImageDocument:
    """Give an image a class, which is made if it is new, or take it away."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        image = projects.image_of(session, project, image_id)
        category = None
        if body.label is not None:
            category = projects.category_of(session, project, body.label, create=True)
        projects.label_image(image, category)
        session.flush()
        change.note(session, caller, "image.label", image.id, {"label": body.label})
        return image_documents(session, project, [image])[0]


@router.delete("/projects/{project_id}/images/{image_id}", status_code=204)
def delete_image(caller: MayTrain, change: HasChange, project_id: str, image_id: str) -> Response:
    """Delete an image."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        image = projects.image_of(session, project, image_id)
        change.note(session, caller, "image.delete", image.id, {"name": image.name})
        projects.delete_image(session, image)
    return Response(status_code=204)


@router.post("/projects/{project_id}/images/delete")
def delete_images(caller: MayTrain, change: HasChange, project_id: str, body: Ids) -> Deleted:
    """Delete several images: those of the ids that the project has."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        deleted = projects.delete_images(session, project, body.ids)
        change.note(session, caller, "images.delete", project.id, {"deleted": deleted})
    return Deleted(deleted=deleted)


@router.get(
    "/projects/{project_id}/images/{image_id}/thumbnail",
    response_class=Response,
    responses=IMAGE_ANSWER,
)
def thumbnail(
    request: Request, caller: MayTrain, service: HasService, project_id: str, image_id: str
) -> Response:
    """A JPEG whose longer side has at most 160 pixels."""
    with service.database.reading() as session:
        project = projects.project_of(session, caller, project_id)
        digest = projects.image_of(session, project, image_id).sha256
    if request.headers.get("if-none-match") == f'"{digest}"':
        return Response(status_code=304, headers=_cached(digest))
    small: bytes = request.app.state.thumbnail(digest)
    return Response(small, media_type="image/jpeg", headers=_cached(digest))


@router.get(
    "/projects/{project_id}/images/{image_id}/original",
    response_class=Response,
    responses={
        200: {"content": {kind: {} for kind in (*SHOWN.values(), "application/octet-stream")}}
    },
)
def original(
    request: Request, caller: MayTrain, service: HasService, project_id: str, image_id: str
) -> Response:
    """The file as it was uploaded."""
    with service.database.reading() as session:
        project = projects.project_of(session, caller, project_id)
        image = projects.image_of(session, project, image_id)
    headers = _cached(image.sha256)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    kind = SHOWN.get(image.format)
    how = "attachment" if kind is None else "inline"
    headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(image.name, safe='')}"
    content = service.store.read(image.sha256)
    return Response(content, media_type=kind or "application/octet-stream", headers=headers)


def _cached(digest: str) -> dict[str, str]:
    return {"ETag": f'"{digest}"', "Cache-Control": FOREVER}
