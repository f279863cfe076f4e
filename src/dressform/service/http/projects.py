"""`/api/v1/projects`: projects and their classes."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from dressform.service import projects, queue
from dressform.service.database.tables import Image, Job, Project
from dressform.service.http.auth import HasService, MayPredict, MayTrain
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API, class_document, project_documents
from dressform.service.http.schemas import (
    NO_CONTROLS,
    ClassDocument,
    Classes,
    Input,
    Name,
    ProjectDocument,
    Projects,
)

router = APIRouter(prefix=API)
Budget = Annotated[float, Field(ge=30, le=86_400, allow_inf_nan=False)]


class NewProject(Input):
    """A project to create; without a name it is ``Project n``."""

    name: Annotated[str, Field(max_length=200, pattern=NO_CONTROLS)] = ""
    classes: Annotated[tuple[Name, ...], Field(max_length=projects.MAX_CLASSES)] = ()
    budget: Budget = 600.0


class ChangedProject(Input):
    """What to change."""

    name: Name | None = None
    budget: Budget | None = None


class NamedClass(Input):
    """A class's name."""

    name: Name


@router.get("/projects")
def list_projects(caller: MayPredict, service: HasService) -> Projects:
    """All projects."""
    with service.database.reading() as session:
        found = projects.projects_of(session, caller)
        return Projects(projects=project_documents(session, found))


@router.post("/projects", status_code=201)
def create_project(caller: MayTrain, change: HasChange, body: NewProject) -> ProjectDocument:
    """Create a project."""
    with change.transaction() as session:
        project = projects.create_project(
            session,
            caller,
            body.name,
            body.classes,
            change.service.settings,
            budget=body.budget,
        )
        change.note(session, caller, "project.create", project.id, {"name": project.name})
        return _document(session, project)


@router.get("/projects/{project_id}")
def show_project(caller: MayPredict, service: HasService, project_id: str) -> ProjectDocument:
    """One project."""
    with service.database.reading() as session:
        return _document(session, projects.project_of(session, caller, project_id))


@router.patch("/projects/{project_id}")
def change_project(
    caller: MayTrain, change: HasChange, project_id: str, body: ChangedProject
) -> ProjectDocument:
    """Change a project's name or the seconds of its trainings."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        if body.name is not None:
            projects.rename_project(session, caller, project, body.name)
        if body.budget is not None:
            project.budget = body.budget
        session.flush()
        change.note(
            session, caller, "project.change", project.id, body.model_dump(exclude_none=True)
        )
        return _document(session, project)


@router.delete("/projects/{project_id}", status_code=204)
def delete_project(
    request: Request, caller: MayTrain, change: HasChange, project_id: str
) -> Response:
    """Delete a project with its images and models; a training of it ends."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        change.note(session, caller, "project.delete", project.id, {"name": project.name})
        for job in session.scalars(
            select(Job).where(Job.project_id == project.id, Job.state.not_in(queue.ENDED))
        ):
            queue.cancel(session, job)
        session.flush()
        projects.delete_project(session, project)
    change.service.store.delete_project(project_id)
    request.app.state.models.forget(project_id)
    return Response(status_code=204)


@router.get("/projects/{project_id}/classes")
def list_classes(caller: MayPredict, service: HasService, project_id: str) -> Classes:
    """The classes of a project."""
    with service.database.reading() as session:
        project = projects.project_of(session, caller, project_id)
        return Classes(classes=_document(session, project).classes)


@router.post("/projects/{project_id}/classes", status_code=201)
def create_class(
    caller: MayTrain, change: HasChange, project_id: str, body: NamedClass
) -> ClassDocument:
    """Add a class."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        category = projects.create_category(session, project, body.name)
        change.note(session, caller, "class.create", category.id, {"name": category.name})
        return class_document(category, 0)


@router.patch("/projects/{project_id}/classes/{class_id}")
def rename_class(
    caller: MayTrain, change: HasChange, project_id: str, class_id: str, body: NamedClass
) -> ClassDocument:
    """Rename a class."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        category = projects.category_with_id(session, project, class_id)
        projects.rename_category(session, project, category, body.name)
        change.note(session, caller, "class.rename", category.id, {"name": category.name})
        return class_document(category, projects.class_counts(session, project)[category.name])


@router.delete("/projects/{project_id}/classes/{class_id}", status_code=204)
def delete_class(caller: MayTrain, change: HasChange, project_id: str, class_id: str) -> Response:
    """Delete a class; its images become unlabelled."""
    with change.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        category = projects.category_with_id(session, project, class_id)
        change.note(session, caller, "class.delete", category.id, {"name": category.name})
        for image in session.scalars(select(Image).where(Image.category_id == category.id)):
            projects.label_image(image, None)
        session.flush()
        session.delete(category)
    return Response(status_code=204)


def _document(session: Session, project: Project) -> ProjectDocument:
    return project_documents(session, [project])[0]
