"""A project's images as a ZIP, and what storage takes."""

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import func, select

from dressform.core.errors import ResourceError
from dressform.core.text import table_cell
from dressform.data.split_names import means_unlabelled
from dressform.service.database.tables import Category, Image, Model, Project
from dressform.service.http.auth import HasService, MayTrain
from dressform.service.http.documents import API
from dressform.service.http.schemas import Document, Responses
from dressform.service.projects import project_of
from dressform.service.store import Store

UNLABELLED, MISSING = "unlabelled", "missing.txt"
LOST = "These images are in the project, but not in this ZIP: restore a backup of the service."
ZIP: Responses = {200: {"content": {"application/zip": {}}}}

router = APIRouter(prefix=API)


class StorageDocument(Document):
    """Bytes of the tenant; the limit is of the whole service."""

    images: int
    image_bytes: int
    model_bytes: int
    limit: int


@router.get("/storage")
def storage(caller: MayTrain, service: HasService) -> StorageDocument:
    """What the tenant's images and models take."""
    own = Project.tenant_id == caller.tenant_id
    with service.database.reading() as session:
        images, image_bytes = session.execute(
            select(func.count(Image.id), func.coalesce(func.sum(Image.size), 0))
            .join(Project, Image.project_id == Project.id)
            .where(own)
        ).one()
        model_bytes = session.scalar(
            select(func.coalesce(func.sum(Model.size), 0))
            .join(Project, Model.project_id == Project.id)
            .where(own)
        )
    return StorageDocument(
        images=images,
        image_bytes=int(image_bytes),
        model_bytes=int(model_bytes or 0),
        limit=service.settings.max_storage,
    )


@router.get("/projects/{project_id}/dataset.zip", response_class=Response, responses=ZIP)
def dataset(caller: MayTrain, service: HasService, project_id: str) -> Response:
    """A folder for each class with its images, and a table of all. Images whose bytes are lost are
    named in ``missing.txt``.
    """
    with service.database.reading() as session:
        project = project_of(session, caller, project_id)
        query = (
            select(Image.sha256, Image.name, Category.name)
            .outerjoin(Category, Image.category_id == Category.id)
            .where(Image.project_id == project.id)
            .order_by(Category.position, Image.created, Image.id)
        )
        rows: list[tuple[str, str, str | None]] = [
            (digest, name, label) for digest, name, label in session.execute(query)
        ]
    headers = {"Content-Disposition": 'attachment; filename="dataset.zip"'}
    return StreamingResponse(
        _zip(service.store, rows), media_type="application/zip", headers=headers
    )


def _zip(store: Store, rows: list[tuple[str, str, str | None]]) -> Iterator[bytes]:
    """A ZIP, part by part, so that it needs neither memory nor disk."""
    out = _Parts()
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("image", "label"))
    missing: list[str] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for digest, name, label in rows:
            path = f"{_folder(label)}/{digest[:12]}-{_file(name)}"
            try:
                archive.writestr(path, store.read(digest))
            except ResourceError as error:
                missing.append(f"{path}: {error}")
                continue
            writer.writerow((table_cell(path), table_cell(label or "")))
            yield out.taken()
        archive.writestr("images.csv", table.getvalue())
        if missing:
            archive.writestr(MISSING, "\n".join((LOST, *missing, "")))
    yield out.taken()


def _folder(label: str | None) -> str:
    """A class as a folder that every system allows; the table has its real name."""
    if label is None:
        return UNLABELLED
    name = _file(label)
    return f"class {name}" if means_unlabelled(name) else name


def _file(name: str) -> str:
    cleaned = "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in name)
    return cleaned.strip(" .") or "_"


class _Parts(io.RawIOBase):
    """A file that is only written to, whose parts are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep a part until it is taken."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
