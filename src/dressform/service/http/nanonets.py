"""The NanoNets-compatible protocol, ``/api/v2/ImageCategorization/``: clients that were written for
it work with another address.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from dressform.core.errors import ConfigError, DataError, DressformError
from dressform.core.frames import Json
from dressform.service import projects, queue
from dressform.service.database.tables import Job, Model, Project
from dressform.service.errors import ForbiddenError
from dressform.service.http.auth import HasService, MayPredict, MayTrain
from dressform.service.http.bodies import content_of, files_of, read_form, text_of
from dressform.service.http.change import HasChange
from dressform.service.http.errors import NANONETS
from dressform.service.http.schemas import Document
from dressform.service.images import file_name
from dressform.service.projects import class_counts, image_count, project_of
from dressform.service.remote_images import fetch_image
from dressform.service.service import Service
from dressform.service.training import missing_images, request_training
from dressform.service.uploads import IncomingFile, add_files

MAX_FILES = 256
"""Images of one prediction request."""
MAX_URLS = 16
STATES = {
    -1: "error",
    0: "no data: upload images of every category",
    1: "images uploaded",
    2: "ready to train",
    3: "training queued",
    4: "training",
    5: "trained, ready to predict",
}


class ReasonDocument(Document):
    """A reason."""

    message: str


class FailureDocument(Document):
    """An error, as clients of this protocol expect it."""

    code: int
    message: str
    errors: list[ReasonDocument]


router = APIRouter(
    prefix=NANONETS.rstrip("/"),
    responses={"default": {"model": FailureDocument}, 422: {"model": FailureDocument}},
)


class NewModel(Document):
    """A model that was created."""

    model_id: str


class CategoryDocument(Document):
    """A category with the number of its images."""

    name: str
    count: int


class ModelState(Document):
    """How far a model is; see ``STATES``."""

    model_id: str
    state: int
    status: str
    categories: list[CategoryDocument]


class UploadedFile(Document):
    """What became of a file."""

    message: str
    input: str


class UploadResult(Document):
    """What became of files."""

    message: str
    result: list[UploadedFile]


class LabelProbability(Document):
    """A category with its probability."""

    label: str
    probability: float


class LabelledFile(Document):
    """The prediction for a file, most probable first; empty where the message says why."""

    message: str
    input: str
    prediction: list[LabelProbability]


class LabelResult(Document):
    """Predictions in the order of the files."""

    message: str
    result: list[LabelledFile]


async def form_of(request: Request) -> Any:
    """The parts of the body, multipart or URL-encoded."""
    form = await read_form(request)
    try:
        yield form
    finally:
        await form.close()


HasParts = Annotated[FormData, Depends(form_of)]
RequiredId = Annotated[str, Query(alias="modelId", min_length=1, max_length=64)]
ModelId = Annotated[str | None, Query(alias="modelId", max_length=64)]


def _form(*names: str, required: Sequence[str] = ()) -> Json:
    """The description of a form's parts; those called ``file`` are files."""
    binary = {"type": "array", "items": {"type": "string", "format": "binary"}}
    texts = {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {
            name: binary
            if name == "file"
            else texts
            if name in ("categories", "urls")
            else {"type": "string"}
            for name in names
        },
        "required": list(required),
    }
    return {"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}}


@router.post("/Model/", openapi_extra=_form("categories", required=["categories"]))
def create_model(caller: MayTrain, change: HasChange, form: HasParts) -> NewModel:
    """Create a model with its categories."""
    categories = [value for value in form.getlist("categories") if isinstance(value, str)]
    if not categories:
        raise ConfigError("categories are missing; add one form field 'categories' for each")
    if len(categories) > projects.MAX_CLASSES:
        raise ConfigError(
            f"{len(categories):,} categories are given; allowed: {projects.MAX_CLASSES:,}"
        )
    with change.transaction() as session:
        project = projects.create_project(session, caller, "", categories, change.service.settings)
        change.note(session, caller, "project.create", project.id, {"name": project.name})
        return NewModel(model_id=project.id)


@router.get("/Model/")
def show_model(caller: MayPredict, service: HasService, model_id: RequiredId) -> ModelState:
    """How far a model is."""
    with service.database.reading() as session:
        return _state(session, project_of(session, caller, model_id))


@router.post("/UploadFile/", openapi_extra=_form("file", "category", "modelId", required=["file"]))
def upload_file(
    caller: MayTrain, change: HasChange, form: HasParts, model_id: ModelId = None
) -> UploadResult:
    """Add images of one category."""
    project_id = _required(model_id or text_of(form, "modelId"))
    category = (text_of(form, "category") or "").strip()
    if not category:
        raise ConfigError("category is missing; add it as a form field")
    with change.service.database.reading() as session:
        project = project_of(session, caller, project_id)
        category = projects.category_of(session, project, category).name
    most = change.service.settings.max_image
    files = [
        IncomingFile(name=file.filename or "image", content=content_of(file, most), label=category)
        for file in _files(form)
    ]
    done = add_files(change.service, caller, project_id, files)
    if len(files) == len(done.refused):
        raise done.refused[0].error
    with change.transaction() as session:
        detail = {"added": done.added, "refused": len(done.refused)}
        change.note(session, caller, "images.upload", project_id, detail)
    answers = [UploadedFile(message="Success", input=image.name) for image in done.images]
    answers += [UploadedFile(message=str(one.error), input=one.name) for one in done.refused]
    return UploadResult(message="Partial" if done.refused else "Success", result=answers)


@router.post("/Train/")
def train(caller: MayTrain, change: HasChange, model_id: RequiredId) -> ModelState:
    """Queue a training."""
    with change.transaction() as session:
        project = project_of(session, caller, model_id, lock=True)
        request_training(session, project, change.service.settings)
        change.note(session, caller, "training.request", project.id)
        session.flush()
        return _state(session, project)


@router.post("/LabelFile/", openapi_extra=_form("file", "urls", "modelId"))
@router.post("/LabelUrls/", openapi_extra=_form("file", "urls", "modelId"))
async def label_file(
    request: Request,
    caller: MayPredict,
    service: HasService,
    form: HasParts,
    model_id: ModelId = None,
) -> LabelResult:
    """Predict the categories of uploaded images, or of images at public URLs."""
    given = await run_in_threadpool(text_of, form, "modelId")
    model = await request.app.state.models.promoted(caller, _required(model_id or given))
    urls = [value for value in form.getlist("urls") if isinstance(value, str)]
    if urls:
        images = await run_in_threadpool(_fetched, service, urls)
    else:
        images = await run_in_threadpool(_contents, service, form)
    good = [(name, content) for name, content in images if isinstance(content, bytes)]
    answers = iter(await model.predict(good)) if good else iter(())
    results = [
        _labelled(name, next(answers) if isinstance(content, bytes) else content)
        for name, content in images
    ]
    if not any(result.prediction for result in results):
        failed = [content for _, content in images if isinstance(content, DressformError)]
        raise failed[0] if failed else DataError(results[0].message)
    whole = all(result.prediction for result in results)
    return LabelResult(message="Success" if whole else "Partial", result=results)


def _labelled(name: str, answer: str | DressformError) -> LabelledFile:
    if isinstance(answer, DressformError):
        return LabelledFile(message=str(answer), input=name, prediction=[])
    prediction = [
        LabelProbability(label=one["label"], probability=one["probability"])
        for one in json.loads(answer)["top"]
    ]
    return LabelledFile(message="Success", input=name, prediction=prediction)


def _contents(service: Service, form: FormData) -> list[tuple[str, bytes | DressformError]]:
    files, most = _files(form), service.settings.max_image
    if len(files) > MAX_FILES:
        raise ConfigError(f"the form has {len(files)} files; allowed: {MAX_FILES}; send several")
    return [(file_name(file.filename or "image"), content_of(file, most)) for file in files]


def _fetched(service: Service, urls: list[str]) -> list[tuple[str, bytes | DressformError]]:
    if not service.settings.allow_urls:
        raise ForbiddenError("images by URL are turned off here; upload the files")
    if len(urls) > MAX_URLS:
        raise ConfigError(f"{len(urls)} URLs are given; allowed: {MAX_URLS}; send several")
    found: list[tuple[str, bytes | DressformError]] = []
    for url in urls:
        try:
            found.append((url[:400], fetch_image(url, service.settings.max_image)))
        except DressformError as error:
            found.append((url[:400], error))
    return found


def _files(form: FormData) -> list[Any]:
    """The files; fields that came as files without a name are none."""
    files = [
        file
        for file in files_of(form)
        if not any(form.get(name) is file for name in ("category", "modelId"))
    ]
    if not files:
        raise DataError("the form has no file; add one as part 'file'")
    return files


def _required(model_id: str | None) -> str:
    if not model_id:
        raise ConfigError("modelId is missing; add it as the API lists it for this address")
    return model_id.strip()


def _state(session: Session, project: Project) -> ModelState:
    counts = class_counts(session, project)
    query = (
        select(Job)
        .join(Model, Job.model_id == Model.id)
        .where(Job.project_id == project.id)
        .order_by(Model.version.desc())
        .limit(1)
    )
    job = session.scalar(query)
    status = None
    if job is not None and job.state not in queue.ENDED:
        state = 3 if job.state == "queued" else 4
    elif project.promoted_id is not None:
        state = 5
    elif job is not None and job.state == "failed":
        state, status = -1, f"error: {job.error}"
    elif not image_count(session, project):
        state = 0
    else:
        missing = missing_images(session, project)
        state = 2 if missing is None else 1
        status = f"{STATES[1]}; {missing}" if missing else None
    return ModelState(
        model_id=project.id,
        state=state,
        status=status or STATES[state],
        categories=[CategoryDocument(name=name, count=count) for name, count in counts.items()],
    )
