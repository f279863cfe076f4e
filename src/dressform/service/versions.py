"""The versions of a project's model: promoted, rolled back, compared, deleted."""

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from dressform.core.errors import DressformError
from dressform.evaluation.align import with_common_classes
from dressform.evaluation.compare import PredictionSet, compare
from dressform.evaluation.comparison import Comparison
from dressform.predictions import Predictions
from dressform.predictions.examples import indices_of
from dressform.runs.run import Run, open_run
from dressform.service.database.tables import Model, Project
from dressform.service.errors import ConflictError, NotFoundError
from dressform.service.store import Store
from dressform.service.suggest import forget_suggestions
from dressform.service.training_result import lost, weights_of

MIN_COMMON = 10
"""Images on which a comparison says anything."""


def models_of(session: Session, project: Project) -> list[Model]:
    """All versions, newest first."""
    query = select(Model).where(Model.project_id == project.id)
    return list(session.scalars(query.order_by(Model.version.desc())))


def model_of(session: Session, project: Project, version: int) -> Model:
    """A version.

    Raises:
        NotFoundError: there is no such version.
    """
    query = select(Model).where(Model.project_id == project.id, Model.version == version)
    model = session.scalar(query)
    if model is None:
        raise NotFoundError(f"{project.name} has no version {version}")
    return model


def ready_model_of(session: Session, project: Project, version: int) -> Model:
    """A version that is ready.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: it is not ready.
    """
    model = model_of(session, project, version)
    if model.state != "ready":
        states = {"training": "still being trained", "failed": "of a failed training"}
        raise ConflictError(
            f"version {version} is {states.get(model.state, model.state)}; choose one that is ready"
        )
    return model


def promote(session: Session, project: Project, version: int) -> Model:
    """Have a version answer predictions.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: it is not ready.
    """
    model = ready_model_of(session, project, version)
    project.promoted_id = model.id
    forget_suggestions(session, project.id)  # the worker asks the promoted version anew
    return model


def delete_version(session: Session, project: Project, version: int) -> Model:
    """Mark a version as deleted; its files are deleted after the transaction.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: it answers predictions, or is being trained.
    """
    model = model_of(session, project, version)
    if model.id == project.promoted_id:
        raise ConflictError(f"version {version} answers predictions; promote another one first")
    if model.state == "training":
        raise ConflictError(f"version {version} is still being trained; cancel its job first")
    model.state, model.size = "deleted", 0
    return model


def run_of(store: Store, model: Model) -> Run:
    """The run of a ready version.

    Raises:
        ResourceError: its files are missing or damaged.
    """
    weights = weights_of(store, model.project_id, model.version)
    try:
        return open_run(weights)
    except DressformError as error:
        raise lost(model.version, error) from error


def compare_versions(store: Store, first: Model, second: Model) -> tuple[Comparison, int]:
    """Whether one version is really better, on images that neither was trained on.

    Returns:
        the comparison, and the number of images.

    Raises:
        ConflictError: they have too few images in common, or other classes.
    """
    a, b = (run_of(store, model).predictions("validation") for model in (first, second))
    names = (f"version {first.version}", f"version {second.version}")
    if set(a.class_names) != set(b.class_names):
        raise ConflictError(
            f"{names[0]} and {names[1]} have other classes; compare versions with the same"
        )
    a, b = with_common_classes(a, b, names)
    a, b = _common(a, b)
    if len(a) < MIN_COMMON:
        raise ConflictError(
            f"{names[0]} and {names[1]} have {len(a)} validation images in common; at least "
            f"{MIN_COMMON} are needed"
        )
    sets = [PredictionSet(name, (one,)) for name, one in zip(names, (a, b), strict=True)]
    return compare(sets)[0], len(a)


def _common(a: Predictions, b: Predictions) -> tuple[Predictions, Predictions]:
    """The examples that both have, with one label, in one order."""
    ids = np.intersect1d(a.ids, b.ids)
    a, b = a.take(indices_of(a.ids, ids)), b.take(indices_of(b.ids, ids))
    same = a.labels == b.labels
    return a.take(same), b.take(same)
