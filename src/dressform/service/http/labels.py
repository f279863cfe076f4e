"""Labels of many images at once, and the table of them."""

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy import select

from dressform.core.text import table_cell
from dressform.service.database.tables import Category, Image
from dressform.service.http.auth import HasService, MayTrain
from dressform.service.http.bodies import read_body
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API
from dressform.service.http.schemas import Document, Id, Input, Name
from dressform.service.labels import label_by_names, label_images, read_listing
from dressform.service.projects import project_of
from dressform.service.tree_labels import MAX_LISTING

COLUMNS = (
    "id", "name", "sha256", "label", "format", "width", "height", "size", "created",
)  # fmt: skip

router = APIRouter(prefix=API)


class ImageLabel(Input):
    """An image's class; null takes it away."""

    image_id: Id
    label: Name | None


class ManyLabels(Input):
    """Labels of many images."""

    labels: Annotated[list[ImageLabel], Field(max_length=20_000)]


class LabelledDocument(Document):
    """Images whose label was set, and names in a table that no image has."""

    labelled: int
    unknown: list[str]


@router.put("/projects/{project_id}/labels")
def put_labels(
    caller: MayTrain, change: HasChange, project_id: str, body: ManyLabels
) -> LabelledDocument:
    """Label images by their ids: all of them, or none. New classes are made."""
    labels = {one.image_id: one.label for one in body.labels}
    with change.transaction() as session:
        project = project_of(session, caller, project_id, lock=True)
        done = label_images(session, project, labels)
        change.note(session, caller, "labels.put", project_id, {"labelled": done.count})
    return LabelledDocument(labelled=done.count, unknown=[])


async def table(request: Request) -> bytes:
    """The body as a table."""
    return await read_body(request, MAX_LISTING, "a table")


@router.put(
    "/projects/{project_id}/labels.csv",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string", "minLength": 1}}},
        }
    },
)
def put_table(
    caller: MayTrain,
    change: HasChange,
    content: Annotated[bytes, Depends(table)],
    project_id: str,
) -> LabelledDocument:
    """Label images by a table (CSV) with a column for images (id, SHA-256 or file name) and one
    for labels; an empty label takes it away.
    """
    labels = read_listing(content, "the table")
    with change.transaction() as session:
        project = project_of(session, caller, project_id, lock=True)
        done = label_by_names(session, project, labels)
        change.note(session, caller, "labels.put", project_id, {"labelled": done.count})
    return LabelledDocument(labelled=done.count, unknown=list(done.unknown[:1000]))


@router.get(
    "/projects/{project_id}/images.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
def listing(caller: MayTrain, service: HasService, project_id: str) -> Response:
    """A table of all images with their labels."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    with service.database.reading() as session:
        project = project_of(session, caller, project_id)
        query = (
            select(Image, Category.name)
            .outerjoin(Category, Image.category_id == Category.id)
            .where(Image.project_id == project.id)
            .order_by(Image.created, Image.id)
        )
        for image, label in session.execute(query):
            row = {name: getattr(image, name, "") for name in COLUMNS}
            row |= {"name": table_cell(image.name), "label": table_cell(label or "")}
            row["created"] = image.created.isoformat()
            writer.writerow(row.values())
    headers = {"Content-Disposition": 'attachment; filename="images.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
