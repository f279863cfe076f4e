"""Suggestions: which class an unlabelled image probably has, and how much its label would help.

A label helps the more, the less the model is sure of it, and the less it resembles what is
labelled already. The margin between the two most probable classes (Scheffer, Decomain and Wrobel,
"Active Hidden Markov Models for Information Extraction", 2001) is weighted by the distance to the
nearest labelled image in the model's features (the core-set distance of Sener and Savarese,
"Active Learning for Convolutional Neural Networks", ICLR 2018), and images are taken one by one,
each counting as labelled for those after it, so that the first ones are not twenty of a kind.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dressform.core.errors import DressformError
from dressform.core.rng import generator
from dressform.exploration.neighbours import unit_rows
from dressform.predict.features import penultimate
from dressform.predict.predictor import Predictor
from dressform.predictions import softmax
from dressform.service.database.connection import Database
from dressform.service.database.tables import Category, Image, Model, Project
from dressform.service.store import Store
from dressform.service.training_result import weights_of

logger = logging.getLogger(__name__)

CHUNK = 256
"""Images that are decoded and given to the model at a time."""
MAX_LABELLED = 2_000
"""Labelled images that unlabelled ones are compared with: a sample where there are more."""
MAX_TAKEN = 1_000
"""Images that are taken one by one; those after them are ordered as they are then."""
DIMENSIONS = 128
"""Wider features are projected to so many: distances stay nearly the same (Johnson and
Lindenstrauss, 1984), and 100,000 images take 50 MB.
"""


def usefulness(
    probabilities: NDArray[np.float32],
    features: NDArray[np.float32],
    labelled: NDArray[np.float32],
) -> NDArray[np.float64]:
    """How much the label of each unlabelled image would help.

    Args:
        probabilities: of the classes, [N, K].
        features: of the same images, [N, D].
        labelled: features of labelled images, [M, D]; M may be 0.

    Returns:
        0..1 [N]; the most useful one has 1, the least useful one 0 or more. The order is what
        counts: it is the order in which the images are best labelled.
    """
    count = len(probabilities)
    two = np.sort(probabilities, axis=1)[:, -2:]
    unsure = 1.0 - (two[:, 1] - two[:, 0])
    own, known = _narrow(features), _narrow(labelled)
    distance = np.full(count, 2.0, np.float32)
    for start in range(0, len(known), CHUNK):
        similar = own @ known[start : start + CHUNK].T
        distance = np.minimum(distance, 1.0 - similar.max(axis=1))
    order, left = [], np.ones(count, bool)
    for _ in range(min(count, MAX_TAKEN)):
        score = np.where(left, unsure * distance, -1.0)
        best = int(score.argmax())
        order.append(best)
        left[best] = False
        distance = np.minimum(distance, 1.0 - own @ own[best])
    rest = np.flatnonzero(left)
    order.extend(rest[np.argsort(-(unsure * distance)[rest], kind="stable")])
    useful = np.empty(count)
    useful[order] = 1.0 - np.arange(count) / max(1, count)
    return useful


def _narrow(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of length 1, of at most ``DIMENSIONS``."""
    rows = unit_rows(features)
    if rows.shape[1] <= DIMENSIONS:
        return rows
    directions = generator(0, "suggestions").standard_normal((rows.shape[1], DIMENSIONS))
    return unit_rows(rows @ directions.astype(np.float32))


@dataclass(frozen=True)
class _Seen:
    """What the model says of images that can be read."""

    ids: list[str]
    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]
    unreadable: list[str]


def waiting_projects(session: Session) -> list[str]:
    """Projects with a model, and with unlabelled images that it has not seen yet."""
    query = (
        select(Image.project_id)
        .join(Project, Image.project_id == Project.id)
        .where(
            Project.promoted_id.is_not(None),
            Image.category_id.is_(None),
            Image.usefulness.is_(None),
        )
        .distinct()
        .order_by(Image.project_id)
    )
    return list(session.scalars(query))


def forget_suggestions(session: Session, project_id: str) -> None:
    """Have a project's unlabelled images looked at again, such as after another version was
    promoted.
    """
    session.execute(
        update(Image)
        .where(Image.project_id == project_id, Image.category_id.is_(None))
        .values(usefulness=None)
    )


def suggest(
    database: Database,
    store: Store,
    project_id: str,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Write down what the promoted model thinks of a project's unlabelled images.

    Args:
        database: of the service.
        store: of the service.
        project_id: of the project; nothing happens without a promoted model.
        stop: asked between images; nothing is written down if it says so.

    Returns:
        how many images have a suggestion now.

    Raises:
        DressformError: the model cannot be used.
    """
    with database.reading() as session:
        project = session.get(Project, project_id)
        model = project and project.promoted_id and session.get(Model, project.promoted_id)
        if not model or model.state != "ready":
            return 0
        query = select(Image.id, Image.sha256, Image.name, Image.category_id)
        rows = session.execute(query.where(Image.project_id == project_id).order_by(Image.id)).all()
        classes = select(Category).where(Category.project_id == project_id)
        categories = {category.name: category.id for category in session.scalars(classes)}
    unlabelled = [(row[0], row[1], row[2]) for row in rows if row[3] is None]
    if not unlabelled:
        return 0
    labelled = [(row[0], row[1], row[2]) for row in rows if row[3] is not None]
    if len(labelled) > MAX_LABELLED:
        some = generator(0, "labelled").choice(len(labelled), MAX_LABELLED, replace=False)
        labelled = [labelled[i] for i in sorted(some)]
    predictor = Predictor(weights_of(store, project_id, model.version), spin=False)
    stopped = False

    def stops() -> bool:
        nonlocal stopped
        stopped = stopped or stop()
        return stopped

    seen, known = (_look(predictor, store, some, stops) for some in (unlabelled, labelled))
    if stops():
        return 0
    useful = usefulness(seen.probabilities, seen.features, known.features)
    changes: list[dict[str, object]] = [
        {
            "id": image_id,
            "suggested_id": categories.get(predictor.class_names[int(row.argmax())]),
            "suggested_probability": float(row.max()),
            "usefulness": float(value),
        }
        for image_id, row, value in zip(seen.ids, seen.probabilities, useful, strict=True)
    ]
    changes += [
        {"id": i, "suggested_id": None, "suggested_probability": None, "usefulness": 0.0}
        for i in seen.unreadable
    ]
    return _write(database, project_id, model.id, changes)


def _write(
    database: Database, project_id: str, model_id: str, changes: Sequence[Mapping[str, object]]
) -> int:
    """Write suggestions down, for images that are unlabelled still, if the model is still the
    promoted one.
    """
    written = 0
    for start in range(0, len(changes), CHUNK):  # others want to write, too
        with database.transaction() as session:
            project = session.get(Project, project_id)
            if project is None or project.promoted_id != model_id:
                return written
            some = {str(change["id"]): change for change in changes[start : start + CHUNK]}
            query = select(Image).where(Image.id.in_(some), Image.category_id.is_(None))
            for image in session.scalars(query.with_for_update()):
                change = some[image.id]
                image.suggested_id = change["suggested_id"]  # type: ignore[assignment]
                image.suggested_probability = change["suggested_probability"]  # type: ignore[assignment]
                image.usefulness = change["usefulness"]  # type: ignore[assignment]
                written += image.suggested_id is not None
    return written


def _look(
    predictor: Predictor,
    store: Store,
    images: Sequence[tuple[str, str, str]],
    stop: Callable[[], bool],
) -> _Seen:
    """Probabilities and features of images, each given by its id, SHA-256 and name."""
    ids: list[str] = []
    unreadable: list[str] = []
    probabilities = [np.zeros((0, len(predictor.class_names)), np.float32)]
    features: list[NDArray[np.float32]] = []
    for start in range(0, len(images), CHUNK):
        prepared = []
        for image_id, sha256, name in images[start : start + CHUNK]:
            if stop():
                break
            try:
                pixels = predictor.prepare(store.read(sha256), name, keep_steps=False).pixels
            except DressformError as error:
                logger.warning(f"{name} has no suggestion: {error}")
                unreadable.append(image_id)
                continue
            prepared.append(pixels)
            ids.append(image_id)
        if prepared:
            found = penultimate(predictor.path, np.stack(prepared))
            scores = softmax(found.logits / predictor.temperature)
            probabilities.append(scores.astype(np.float32))
            features.append(found.values)
    width = features[0].shape[1] if features else 1
    return _Seen(
        ids,
        np.concatenate(probabilities),
        np.concatenate([np.zeros((0, width), np.float32), *features]),
        unreadable,
    )
