"""Trainings: ask for one, see how far it is, cancel it."""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from dressform.service import queue
from dressform.service.database.tables import Job, Model, Project, is_id
from dressform.service.errors import NotFoundError
from dressform.service.http.auth import HasService, MayPredict, MayTrain
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API, job_document
from dressform.service.http.schemas import JobDocument, Jobs
from dressform.service.keys import Caller
from dressform.service.projects import project_of
from dressform.service.training import request_training

router = APIRouter(prefix=API)


@router.post("/projects/{project_id}/trainings", status_code=202)
def train(caller: MayTrain, change: HasChange, project_id: str) -> JobDocument:
    """Ask for a new version, trained on the labelled images but for a tenth, which is held out."""
    with change.transaction() as session:
        project = project_of(session, caller, project_id, lock=True)
        job = request_training(session, project, change.service.settings)
        document = _document(session, job)
        change.note(session, caller, "training.request", project.id, {"version": document.version})
        return document


@router.get("/projects/{project_id}/jobs")
def list_jobs(caller: MayPredict, service: HasService, project_id: str) -> Jobs:
    """The trainings of a project."""
    with service.database.reading() as session:
        project = project_of(session, caller, project_id)
        query = (
            select(Job, Model.version)
            .join(Model, Job.model_id == Model.id)
            .where(Job.project_id == project.id)
            .order_by(Model.version.desc())
        )
        return Jobs(jobs=[job_document(job, version) for job, version in session.execute(query)])


@router.get("/projects/{project_id}/jobs/{job_id}")
def show_job(caller: MayPredict, service: HasService, project_id: str, job_id: str) -> JobDocument:
    """A training."""
    with service.database.reading() as session:
        return _document(session, job_of(session, caller, project_id, job_id))


@router.post("/projects/{project_id}/jobs/{job_id}/cancel")
def cancel(caller: MayTrain, change: HasChange, project_id: str, job_id: str) -> JobDocument:
    """Ask a training to stop; one that has ended stays as it is."""
    with change.transaction() as session:
        job = job_of(session, caller, project_id, job_id)
        queue.cancel(session, job)
        session.flush()
        change.note(session, caller, "training.cancel", project_id, {"job": job.id})
        return _document(session, job)


def job_of(session: Session, caller: Caller, project_id: str, job_id: str) -> Job:
    """A job of a project.

    Raises:
        NotFoundError: the caller's tenant has no such project, or it has no such job.
    """
    project: Project = project_of(session, caller, project_id)
    job = session.get(Job, job_id) if is_id(job_id) else None
    if job is None or job.project_id != project.id:
        raise NotFoundError(f"{project.name} has no job {job_id!r}")
    return job


def _document(session: Session, job: Job) -> JobDocument:
    model = session.get(Model, job.model_id)
    assert model is not None
    return job_document(job, model.version)
