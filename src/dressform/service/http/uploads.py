"""Images into a project: one as the raw body, many as a form, or a ZIP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.datastructures import FormData

from dressform.core.errors import DressformError
from dressform.data.split_names import means_unlabelled
from dressform.service.database.tables import Project
from dressform.service.errors import BusyError, FullError, LimitError, TooLargeError
from dressform.service.http.auth import HasService, MayTrain
from dressform.service.http.bodies import (
    BINARY,
    IMAGE_BODY,
    HasForm,
    content_of,
    files_of,
    read_body,
    spooled,
)
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API, image_documents
from dressform.service.http.errors import status_of
from dressform.service.http.schemas import Name, RefusedDocument, Text, UploadDocument
from dressform.service.keys import Caller
from dressform.service.projects import project_of
from dressform.service.uploads import IncomingFile, Uploaded, add_files
from dressform.service.zip_upload import ZipUpload, open_zip

router = APIRouter(prefix=API)
Labels = Literal["none", "folders"]
Label = Annotated[Name | None, Query()]


async def raw_image(request: Request, service: HasService, form: HasForm) -> bytes | None:
    """The raw body, or None where it is a form."""
    if form is not None:
        return None
    return await read_body(request, service.settings.max_image, "an image")


@router.post(
    "/projects/{project_id}/images",
    status_code=201,
    openapi_extra=IMAGE_BODY,
    responses={200: {"model": UploadDocument}},
)
def upload_images(
    response: Response,
    caller: MayTrain,
    change: HasChange,
    form: HasForm,
    raw: Annotated[bytes | None, Depends(raw_image)],
    project_id: str,
    label: Label = None,
    labels: Labels = "none",
    name: Text = "image",
) -> UploadDocument:
    """Add images.

    The raw body is one image, which is refused as a whole. A form has many: those that cannot be
    taken are listed, and the others stay (200 then, if none is new). ``label`` is the class of all
    of them; ``labels=folders`` takes the folder in each file's name.
    """
    _check_project(change, caller, project_id)
    if form is None:
        assert raw is not None
        files = iter([IncomingFile(name=name, content=raw, label=label)])
    else:
        most = change.service.settings.max_image
        files = _parts(form, label, labels, most)
    result = add_files(change.service, caller, project_id, files)
    if form is None and result.refused:
        raise result.refused[0].error
    document = _document(change, caller, project_id, result)
    if not result.added:
        response.status_code = 200
    return document


async def zip_file(request: Request, service: HasService, form: HasForm) -> AsyncIterator[Path]:
    """The body as a file, for as long as the request takes."""
    path = await spooled(request, form, service.store, ".zip")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@router.post(
    "/projects/{project_id}/images/zip",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/zip": BINARY,
                "multipart/form-data": IMAGE_BODY["requestBody"]["content"]["multipart/form-data"],
            },
        }
    },
)
def upload_zip(
    caller: MayTrain,
    change: HasChange,
    path: Annotated[Path, Depends(zip_file)],
    project_id: str,
    label: Label = None,
    labels: Labels = "folders",
) -> UploadDocument:
    """Add the images of a ZIP. A table in it that lists its images has their labels; otherwise its
    folders are classes, unless ``labels=none``. ``notes`` say what else there is to know, such as
    images without a row, or splits that were put together.
    """
    _check_project(change, caller, project_id)
    settings = change.service.settings
    with open_zip(path, settings, label, folders=labels == "folders") as upload:
        result = add_files(change.service, caller, project_id, upload.files)
    return _document(change, caller, project_id, result, upload)


def _check_project(change: "HasChange", caller: Caller, project_id: str) -> None:
    with change.service.database.reading() as session:
        project_of(session, caller, project_id)


def _parts(form: FormData, label: str | None, labels: Labels, most: int) -> Iterator[IncomingFile]:
    for file in files_of(form):
        name = (file.filename or "image").replace("\\", "/")
        folder = name.rpartition("/")[0].rpartition("/")[2]
        own = None if labels == "none" or means_unlabelled(folder) else folder or None
        yield IncomingFile(name=name, content=content_of(file, most), label=label or own)


def _document(
    change: "HasChange",
    caller: Caller,
    project_id: str,
    result: Uploaded,
    upload: ZipUpload | None = None,
) -> UploadDocument:
    """What became of an upload, noted in the audit log; of a ZIP without its images."""
    detail = {"added": result.added, "refused": len(result.refused)}
    with change.transaction() as session:
        project: Project = project_of(session, caller, project_id, lock=True)
        change.note(session, caller, "images.upload", project_id, detail)
        shown = result.images if upload is None else []
        images = image_documents(session, project, shown)
    return UploadDocument(
        added=result.added,
        known=len(result.images) - result.added,
        images=images,
        classes=result.classes,
        refused=[_refused(one.name, one.error) for one in result.refused],
        left_out=list(upload.left_out if upload else ()),
        notes=list(upload.notes if upload else ()),
    )


def _refused(name: str, error: DressformError) -> RefusedDocument:
    status = status_of(error)
    kind: Literal["unreadable", "too large", "full", "other"] = "unreadable"
    if isinstance(error, TooLargeError):
        kind = "too large"
    elif isinstance(error, FullError | LimitError | BusyError):
        kind = "full"
    elif status != 422:
        kind = "other"
    return RefusedDocument(name=name, error=str(error), status=status, kind=kind)
