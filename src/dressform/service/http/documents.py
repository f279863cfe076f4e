"""Rows of the database as documents of the native protocol."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dressform.service.database.tables import Category, Image, Job, Model, Project
from dressform.service.http.schemas import (
    ClassDocument,
    ImageDocument,
    JobDocument,
    ModelDocument,
    ProjectDocument,
)
from dressform.service.training import missing_images

API = "/api/v1"


def project_documents(session: Session, projects: Sequence[Project]) -> list[ProjectDocument]:
    """Projects with their counts, by a fixed number of queries for all of them together, and one
    for each that has been given no model yet.
    """
    ids = [project.id for project in projects]
    counts: dict[tuple[str, str | None], int] = {
        (project_id, category_id): number
        for project_id, category_id, number in session.execute(
            select(Image.project_id, Image.category_id, func.count())
            .where(Image.project_id.in_(ids))
            .group_by(Image.project_id, Image.category_id)
        )
    }
    categories: dict[str, list[Category]] = {one: [] for one in ids}
    for category in session.scalars(
        select(Category)
        .where(Category.project_id.in_(ids))
        .order_by(Category.position, Category.name)
    ):
        categories[category.project_id].append(category)
    promoted = {
        model.id: model
        for model in session.scalars(
            select(Model).where(Model.id.in_([p.promoted_id for p in projects if p.promoted_id]))
        )
    }
    newest = _newest_jobs(session, ids)
    documents = []
    for project in projects:
        classes = [
            class_document(category, counts.get((project.id, category.id), 0))
            for category in categories[project.id]
        ]
        labelled, unlabelled = sum(c.images for c in classes), counts.get((project.id, None), 0)
        model = promoted.get(project.promoted_id or "")
        documents.append(
            ProjectDocument.of(
                project,
                images=labelled + unlabelled,
                labelled=labelled,
                unlabelled=unlabelled,
                classes=classes,
                model=None if model is None else model_document(model, project),
                job=newest.get(project.id),
                missing=missing_images(session, project),
            )
        )
    return documents


def _newest_jobs(session: Session, project_ids: Sequence[str]) -> dict[str, JobDocument]:
    latest = (
        select(Job.project_id, func.max(Model.version).label("version"))
        .join(Model, Job.model_id == Model.id)
        .where(Job.project_id.in_(project_ids))
        .group_by(Job.project_id)
        .subquery()
    )
    query = (
        select(Job, Model.version)
        .join(Model, Job.model_id == Model.id)
        .join(latest, (latest.c.project_id == Job.project_id) & (latest.c.version == Model.version))
    )
    return {job.project_id: job_document(job, version) for job, version in session.execute(query)}


def class_document(category: Category, images: int) -> ClassDocument:
    """A class with the number of its images."""
    return ClassDocument.of(category, images=images)


def image_documents(
    session: Session, project: Project, images: Iterable[Image]
) -> list[ImageDocument]:
    """Images of a project."""
    names: dict[str | None, str] = dict(
        session.execute(
            select(Category.id, Category.name).where(Category.project_id == project.id)
        ).all()
    )
    documents = []
    for image in images:
        label = names.get(image.suggested_id)
        suggestion = label and {"label": label, "probability": image.suggested_probability}
        path = f"{API}/projects/{project.id}/images/{image.id}"
        documents.append(
            ImageDocument.of(
                image,
                label=names.get(image.category_id),
                suggestion=suggestion,
                thumbnail=f"{path}/thumbnail",
                original=f"{path}/original",
            )
        )
    return documents


def model_document(model: Model, project: Project) -> ModelDocument:
    """A version."""
    path = f"{API}/projects/{model.project_id}/models/{model.version}"
    ready = model.state == "ready"
    return ModelDocument.of(
        model,
        promoted=model.id == project.promoted_id,
        classes=model.classes.get("names") or [],
        report=f"{path}/report.html" if ready else None,
        download=f"{path}/download.zip" if ready else None,
    )


def job_document(job: Job, version: int) -> JobDocument:
    """A training."""
    return JobDocument.of(job, version=version)
