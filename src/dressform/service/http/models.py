"""The versions of a project's model: listed, promoted, compared, deleted, saved."""

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from dressform.predict.bundle import write_onnx
from dressform.service import versions
from dressform.service.database.tables import Model
from dressform.service.errors import disk_error
from dressform.service.http.auth import HasService, MayPredict, MayTrain
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API, model_document
from dressform.service.http.schemas import Document, ModelDocument, Models, Responses
from dressform.service.keys import Caller
from dressform.service.projects import project_of
from dressform.service.service import Service
from dressform.service.training_result import report_of

REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads allow-popups allow-modals; default-src 'none'; "
    "script-src 'unsafe-inline' 'wasm-unsafe-eval' data: blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; connect-src data: blob:; worker-src data: blob:; "
    "frame-ancestors 'self'"
)
"""Reports hold names that users chose: such a page has an origin of its own, and no network."""
Version = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Number = Annotated[int, Query(ge=1, le=2**31 - 1)]
ZIP: Responses = {200: {"content": {"application/zip": {}}}}
HTML: Responses = {200: {"content": {"text/html": {}}}}

router = APIRouter(prefix=API)


class ComparisonDocument(Document):
    """Two versions on the validation images that both have."""

    a: int
    b: int
    sentence: str
    significant: bool
    common: int


@router.get("/projects/{project_id}/models")
def list_models(caller: MayPredict, service: HasService, project_id: str) -> Models:
    """All versions."""
    with service.database.reading() as session:
        project = project_of(session, caller, project_id)
        found = versions.models_of(session, project)
        return Models(models=[model_document(model, project) for model in found])


@router.get("/projects/{project_id}/models/compare")
def compare(
    caller: MayTrain, service: HasService, project_id: str, a: Number, b: Number
) -> ComparisonDocument:
    """Whether version ``b`` is really better than ``a``, in a sentence."""
    models = [_ready(service, caller, project_id, version) for version in (a, b)]
    comparison, common = versions.compare_versions(service.store, *models)
    return ComparisonDocument(
        a=a,
        b=b,
        sentence=comparison.sentence(),
        significant=comparison.significant,
        common=common,
    )


@router.get("/projects/{project_id}/models/{version}")
def show_model(
    caller: MayPredict, service: HasService, project_id: str, version: Version
) -> ModelDocument:
    """A version."""
    with service.database.reading() as session:
        project = project_of(session, caller, project_id)
        return model_document(versions.model_of(session, project, version), project)


@router.post("/projects/{project_id}/models/{version}/promote")
def promote(
    request: Request, caller: MayTrain, change: HasChange, project_id: str, version: Version
) -> ModelDocument:
    """Have a version answer predictions: a newer one, or an older one again (roll back)."""
    with change.transaction() as session:
        project = project_of(session, caller, project_id, lock=True)
        model = versions.promote(session, project, version)
        change.note(session, caller, "model.promote", model.id, {"version": version})
        document = model_document(model, project)
    request.app.state.models.forget(project_id)
    return document


@router.delete("/projects/{project_id}/models/{version}", status_code=204)
def delete_model(
    request: Request, caller: MayTrain, change: HasChange, project_id: str, version: Version
) -> Response:
    """Delete the files of a version; its line in the list stays."""
    with change.transaction() as session:
        project = project_of(session, caller, project_id, lock=True)
        model = versions.delete_version(session, project, version)
        change.note(session, caller, "model.delete", model.id, {"version": version})
    request.app.state.models.forget(project_id)
    change.service.store.delete_model(project_id, version)
    return Response(status_code=204)


@router.get(
    "/projects/{project_id}/models/{version}/report.html",
    response_class=Response,
    responses=HTML,
)
def report(caller: MayPredict, service: HasService, project_id: str, version: Version) -> Response:
    """The report of a version, as a page that can neither read cookies nor use the network."""
    model = _ready(service, caller, project_id, version)
    path = report_of(service.store, model.project_id, model.version)
    return FileResponse(
        path, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY}
    )


@router.get(
    "/projects/{project_id}/models/{version}/download.zip",
    response_class=Response,
    responses=ZIP,
)
def download(
    caller: MayPredict, service: HasService, project_id: str, version: Version
) -> Response:
    """A ZIP: the ONNX model, its description, its model card, and what recognises unusual
    images.
    """
    model = _ready(service, caller, project_id, version)
    run = versions.run_of(service.store, model)

    def write(path: Path) -> None:
        with (
            tempfile.TemporaryDirectory(dir=service.store.temporary) as folder,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for file in write_onnx(run, Path(folder)):
                archive.write(file, file.name)

    return _sent(service, write, f"model-{version}.zip", "application/zip")


@router.get(
    "/projects/{project_id}/models/{version}/page.html", response_class=Response, responses=HTML
)
def page(caller: MayPredict, service: HasService, project_id: str, version: Version) -> Response:
    """One HTML file that classifies photos in any browser, without a network."""
    from dressform.predict.predictor import Predictor
    from dressform.reporting.classifier import write_classifier

    run = versions.run_of(service.store, _ready(service, caller, project_id, version))

    def write(path: Path) -> None:
        write_classifier(path, Predictor(run))

    return _sent(service, write, f"classifier-{version}.html", "text/html")


def _ready(service: Service, caller: Caller, project_id: str, version: int) -> Model:
    with service.database.reading() as session:
        project = project_of(session, caller, project_id)
        return versions.ready_model_of(session, project, version)


class _MadeOnce(FileResponse):
    """A file that is deleted when its answer ends, in whatever way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)


def _sent(service: Service, write: Callable[[Path], None], name: str, kind: str) -> Response:
    """A file that is made for one answer."""
    try:
        handle = tempfile.NamedTemporaryFile(  # noqa: SIM115 - deleted after the answer
            dir=service.store.temporary, prefix="download-", delete=False
        )
        handle.close()
        path = Path(handle.name)
        try:
            write(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise disk_error("the download cannot be made", error) from error
    return _MadeOnce(path, media_type=kind, filename=name, content_disposition_type="attachment")
