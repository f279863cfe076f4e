"""Suggestions for unlabelled images, and their order."""

import json
import shutil

import numpy as np
import pytest

from dressform.runs.run import Run
from dressform.service import projects
from dressform.service.database.connection import Database
from dressform.service.database.tables import Image, Model, Project
from dressform.service.images import read_upload
from dressform.service.keys import Caller
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.suggest import forget_suggestions, suggest, usefulness, waiting_projects
from dressform.service.training_result import RESULT, TrainResult
from tests.service.shop import square


def test_the_unsure_come_before_the_sure() -> None:
    sure = np.array([[0.5, 0.5], [0.9, 0.1], [0.6, 0.4]], np.float32)
    alike = np.eye(3, dtype=np.float32)
    order = np.argsort(-usefulness(sure, alike, np.zeros((0, 1), np.float32)))
    assert order.tolist() == [0, 2, 1]


def test_what_is_unlike_the_labelled_comes_before_what_is_like_it() -> None:
    even = np.full((3, 2), 0.5, np.float32)
    features = np.array([[1, 0.1, 0], [0, 1, 0], [1, 0.5, 0]], np.float32)
    order = np.argsort(-usefulness(even, features, np.array([[1, 0, 0]], np.float32)))
    assert order[0] == 1
    assert order[-1] == 0


def test_the_first_ones_are_not_of_a_kind() -> None:
    even = np.full((21, 2), 0.5, np.float32)
    even[20] = (0.6, 0.4)
    features = np.zeros((21, 200), np.float32)
    features[:20, 0] = 1  # twenty alike, which are the least sure
    features[:20, 1] = np.linspace(0, 0.01, 20)
    features[20, 2] = 1
    useful = usefulness(even, features, np.zeros((0, 1), np.float32))
    assert np.argsort(-useful)[1] == 20
    assert useful.max() == 1.0
    assert useful.min() >= 0.0
    assert len(set(useful.tolist())) == 21


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_unlabelled_images_get_suggestions_of_the_promoted_model(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings, tiny_run: Run
) -> None:
    names = tiny_run.manifest.dataset.class_names
    with database.transaction() as session:
        own = projects.create_project(session, caller, "Shop", names[:2], settings)
        model = Model(project_id=own.id, version=1, state="ready")
        session.add(model)
        session.flush()
        ids = []
        for number in range(6):
            upload = read_upload(square(number % 2, number), f"{number}.png", settings)
            label = projects.category_of(session, own, names[0]) if number == 0 else None
            ids.append(projects.add_image(session, store, own, upload, label, settings).image.id)
        lost = session.get_one(Image, ids[5]).sha256
        assert waiting_projects(session) == []
    assert suggest(database, store, own.id) == 0  # nothing is promoted
    folder = store.model_folder(own.id, 1)
    shutil.copytree(tiny_run.path, folder / "run")
    result = TrainResult(
        run="run",
        recipe="fast",
        class_names=names,
        accuracy=0.5,
        low=0.4,
        high=0.6,
        protocol="",
        examples=1,
        held_out=1,
    )
    (folder / RESULT).write_text(json.dumps(vars(result)))
    store.delete(lost)
    with database.transaction() as session:
        session.get_one(Project, own.id).promoted_id = model.id
    with database.reading() as session:
        assert waiting_projects(session) == [own.id]
    assert suggest(database, store, own.id, stop=lambda: True) == 0
    found = suggest(database, store, own.id)
    with database.transaction() as session:
        assert waiting_projects(session) == []
        images = [session.get_one(Image, image_id) for image_id in ids]
        assert (images[0].suggested_id, images[0].usefulness) == (None, None)  # it has a label
        assert (images[5].suggested_id, images[5].usefulness) == (None, 0.0)  # it cannot be read
        assert sum(image.suggested_id is not None for image in images) == found
        for image in images[1:5]:
            assert image.suggested_probability is not None
            assert 1 / len(names) <= image.suggested_probability <= 1
            assert image.usefulness is not None
            assert 0 < image.usefulness <= 1
        forget_suggestions(session, own.id)
        assert waiting_projects(session) == [own.id]
