"""A shop's project with labelled images, and what tests do with it."""

import io
from functools import cache

import numpy as np
from PIL import Image as PillowImage
from sqlalchemy import select

from dressform.service import projects
from dressform.service.database.connection import Database
from dressform.service.database.tables import Job, Model, Project
from dressform.service.images import read_upload
from dressform.service.keys import Caller
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.training import request_training


@cache
def square(label: int, number: int) -> bytes:
    """A 16 x 16 PNG, dark or light by its class, and no two alike."""
    rng = np.random.default_rng((label, number))
    pixels = rng.integers(0, 60, (16, 16), np.uint8) + np.uint8(120 * label)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def add_images(
    database: Database,
    store: Store,
    project: Project,
    settings: ServiceSettings,
    *,
    label: str | None,
    count: int,
    kind: int,
    first: int = 0,
) -> None:
    """Upload images of one kind with a label, or without."""
    with database.transaction() as session:
        category = None if label is None else projects.category_of(session, project, label)
        for number in range(first, first + count):
            upload = read_upload(square(kind, number), f"{kind}-{number}.png", settings)
            projects.add_image(session, store, project, upload, category, settings)


def shop(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings, count: int = 10
) -> Project:
    """A project with two classes of so many images each."""
    with database.transaction() as session:
        made = projects.create_project(
            session, caller, "", ["Dark", "Light"], settings, budget=30.0
        )
    for kind, label in enumerate(("Dark", "Light")):
        add_images(database, store, made, settings, label=label, count=count, kind=kind)
    return made


def request(database: Database, project: Project, settings: ServiceSettings) -> str:
    """Request a training: the job's id."""
    with database.transaction() as session:
        return request_training(session, session.get_one(Project, project.id), settings).id


def job_of(database: Database, job_id: str) -> Job:
    with database.reading() as session:
        return session.get_one(Job, job_id)


def models_of(database: Database, project: Project) -> list[Model]:
    with database.reading() as session:
        query = select(Model).where(Model.project_id == project.id).order_by(Model.version)
        return list(session.scalars(query))
