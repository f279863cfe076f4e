"""What is deleted, and what must not be."""

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dressform.core.files import exclusive
from dressform.service.cleanup import LOCK, Cleaned, CleanUp, disk_use, superseded
from dressform.service.database.connection import Database
from dressform.service.database.tables import Image, Model, Project
from dressform.service.keys import Caller
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store, folder_bytes
from tests.service.shop import models_of, shop


def aged(path: Path, hours: float = 2) -> None:
    when = time.time() - 3600 * hours
    os.utime(path, (when, when))


def test_old_versions_go_but_not_the_promoted_one(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings
) -> None:
    own = shop(database, store, caller, settings, 1)
    with database.transaction() as session:
        for version in range(1, 6):
            state = "failed" if version == 4 else "ready"
            session.add(Model(project_id=own.id, version=version, state=state, size=7))
            store.model_folder(own.id, version).mkdir(parents=True)
    models = models_of(database, own)
    with database.transaction() as session:
        session.get_one(Project, own.id).promoted_id = models[0].id
    cleaned = CleanUp(database, store, replace(settings, keep_versions=2))()
    assert cleaned.versions == 1
    assert [m.state for m in models_of(database, own)] == [
        "ready",
        "deleted",
        "ready",
        "failed",
        "ready",
    ]
    assert not store.model_folder(own.id, 2).exists()
    assert store.model_folder(own.id, 4).exists()  # its log is kept for a day
    with database.reading() as session:
        use = disk_use(session, store)
        assert use.models == 21
        assert use.images == sum(len(store.read(digest)) for digest in store.digests())
    assert CleanUp(database, store, replace(settings, keep_versions=2))() == Cleaned()
    assert superseded(models, None, 0) == models[::-1]


def test_folders_without_a_row_go(
    database: Database, store: Store, settings: ServiceSettings
) -> None:
    young, old = (store.model_folder("0" * 32, version) for version in (1, 2))
    for folder in (young, old):
        folder.mkdir(parents=True)
    aged(old)
    assert CleanUp(database, store, settings)().folders == 1
    assert young.exists()
    assert not old.exists()


def test_images_without_a_row_go_when_they_are_old(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings
) -> None:
    shop(database, store, caller, settings, 1)
    kept = set(store.digests())
    for digest in kept:
        aged(store.path(digest))
    young, old = store.put(b"young"), store.put(b"old!")
    aged(store.path(old))
    left = store.root / "tmp" / "left"
    left.touch()
    (left.with_name("folder") / "model").mkdir(parents=True)  # of a download that was killed
    for path in (left, left.with_name("folder")):
        aged(path)
    cleaned = CleanUp(database, store, settings)()
    assert (cleaned.images, cleaned.freed) == (1, 4)
    assert set(store.digests()) == kept | {young}
    assert list(left.parent.iterdir()) == []
    with database.transaction() as session:
        session.query(Image).delete()
    with exclusive(store.root / LOCK):
        assert CleanUp(database, store, settings)() == Cleaned()  # while a backup is made
    assert CleanUp(database, store, settings)().images == 2


def test_an_image_that_is_uploaded_again_is_new(store: Store) -> None:
    digest = store.put(b"twice")
    aged(store.path(digest))
    assert store.put(b"twice") == digest
    assert store.delete_older(digest, 3600) == 0
    assert store.read(digest) == b"twice"
    aged(store.path(digest))
    assert store.delete_older(digest, 3600) == 5
    assert store.delete_older(digest, 3600) == 0
    assert list((store.root / "tmp").iterdir()) == []


def test_links_of_a_training_take_no_space(store: Store, tmp_path: Path) -> None:
    digest = store.put(b"12345")
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "link").hardlink_to(store.path(digest))
    (folder / "own").write_bytes(b"123")
    assert folder_bytes(folder) == 3
    shutil.rmtree(folder)


def test_now_and_then_is_not_always(
    database: Database, store: Store, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_up = CleanUp(database, store, settings)
    old = store.put(b"old")
    aged(store.path(old))
    assert clean_up.now_and_then().images == 1
    store.put(b"old")
    aged(store.path(old))
    assert clean_up.now_and_then() == Cleaned()
