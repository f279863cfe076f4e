"""What the whole service stands on: tables, keys, the store, the queue, projects."""

import io
import threading
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from sqlalchemy import select

from dressform.core.errors import ConfigError, DataError, ResourceError, UnknownNameError
from dressform.service import projects, queue
from dressform.service.database.connection import Database
from dressform.service.database.tables import Image, Job, Key, Model, Project, Tenant, utc_now
from dressform.service.errors import ConflictError, LimitError, NotFoundError, TooLargeError
from dressform.service.images import file_name, read_upload, thumbnail
from dressform.service.keys import Caller, caller_of, create_key, first_key
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store


def picture(seed: int = 0, size: tuple[int, int] = (40, 30), form: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, form)
    return out.getvalue()


def project(database: Database, caller: Caller, settings: ServiceSettings) -> Project:
    with database.transaction() as session:
        return projects.create_project(session, caller, "Shop", ["Hat", "Shoe"], settings)


def queued(database: Database, owner: Project, version: int = 1, most: int = 100) -> str:
    with database.transaction() as session:
        model = Model(project_id=owner.id, version=version)
        session.add(model)
        session.flush()
        return queue.enqueue(session, owner.id, model.id, most=most).id


def test_a_key_is_told_once_and_kept_as_a_hash(database: Database) -> None:
    with database.transaction() as session:
        secret = first_key(session)
        assert secret is not None
    with database.transaction() as session:
        assert first_key(session) is None
        found = caller_of(session, secret)
        assert found is not None
        assert found.scope == "admin"
        assert all(found.may(scope) for scope in ("predict", "train", "admin"))
        key = session.scalar(select(Key))
        assert key is not None
        assert secret not in str(vars(key))
        assert key.last_used is not None
        assert caller_of(session, secret[:-1] + "!") is None
        key.revoked = utc_now()
    with database.transaction() as session:
        assert caller_of(session, secret) is None
        with pytest.raises(UnknownNameError, match="unknown scope 'root'"):
            create_key(session, found.tenant_id, "x", "root")
        with pytest.raises(ConfigError, match="0 characters; allowed: 1 to 200"):
            create_key(session, found.tenant_id, " ", "train")


def test_the_store_keeps_bytes_once(store: Store) -> None:
    digest = store.put(b"abc")
    assert store.put(b"abc") == digest
    assert store.read(digest) == b"abc"
    assert list(store.digests()) == [digest]
    store.path(digest).write_bytes(b"ab")  # as a crash of another program might leave it
    store.put(b"abc")
    assert store.read(digest) == b"abc"
    store.delete(digest)
    store.delete(digest)
    with pytest.raises(ResourceError, match="cannot be read"):
        store.read(digest)
    for bad in ("../../etc/passwd", "", "A" * 64, digest + "/"):
        with pytest.raises(ValueError, match="is no SHA-256"):
            store.path(bad)


@given(st.text())
def test_a_file_name_is_never_a_path(name: str) -> None:
    found = file_name(name)
    assert 1 <= len(found) <= 200
    assert "/" not in found
    assert "\\" not in found
    assert found.isprintable()


def test_uploads(settings: ServiceSettings) -> None:
    upload = read_upload(picture(form="JPEG"), "C:\\photos\\hat.jpg", settings)
    assert (upload.name, upload.format, upload.width, upload.height) == ("hat.jpg", "JPEG", 40, 30)
    with PillowImage.open(io.BytesIO(thumbnail(picture(size=(1000, 500))))) as small:
        assert small.size == (160, 80)
    turned = io.BytesIO()
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.new("RGB", (40, 30)).save(turned, "JPEG", exif=exif)
    upload = read_upload(turned.getvalue(), "x.jpg", settings)
    assert (upload.width, upload.height) == (30, 40)
    with pytest.raises(DataError, match=r"^x\.svg is not an image"):
        read_upload(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x.svg", settings)
    few = ServiceSettings(storage=settings.storage, max_image=100, max_pixels=1000)
    with pytest.raises(TooLargeError, match="allowed: 100; save it smaller"):
        read_upload(picture(), "x.png", few)
    few = ServiceSettings(storage=settings.storage, max_pixels=1000)
    with pytest.raises(TooLargeError, match="40 x 30 pixels; allowed: 1,000"):
        read_upload(picture(), "x.png", few)


def test_projects_belong_to_a_tenant(
    database: Database, caller: Caller, store: Store, settings: ServiceSettings
) -> None:
    own = project(database, caller, settings)
    with database.transaction() as session:
        stranger = Tenant(name="other")
        session.add(stranger)
        session.flush()
        other = Caller(stranger.id, "", "admin")
        assert projects.projects_of(session, other) == []
        with pytest.raises(NotFoundError, match="there is no project"):
            projects.project_of(session, other, own.id)
        assert projects.project_of(session, caller, own.id).name == "Shop"
        with pytest.raises(ConflictError, match="a project 'Shop' already"):
            projects.create_project(session, caller, " Shop ", [], settings)
        assert projects.create_project(session, other, "Shop", [], settings).name == "Shop"
        assert projects.create_project(session, caller, "", [], settings).name == "Project 1"
        for budget in (0, float("nan"), 1e9):
            with pytest.raises(ConfigError, match="allowed: 30 to 86,400"):
                projects.create_project(session, caller, "x", [], settings, budget=budget)


def test_images_are_there_once_and_keep_their_label(
    database: Database, caller: Caller, store: Store, settings: ServiceSettings
) -> None:
    own = project(database, caller, settings)
    upload = read_upload(picture(), "a.png", settings)
    with database.transaction() as session:
        hat = projects.category_of(session, own, "Hat")
        first = projects.add_image(session, store, own, upload, hat, settings)
        again = projects.add_image(session, store, own, upload, None, settings)
        assert (first.is_new, again.is_new) == (True, False)
        assert again.image.category_id == hat.id
        assert projects.class_counts(session, own) == {"Hat": 1, "Shoe": 0}
        shoe = projects.category_of(session, own, "Shoe")
        projects.add_image(session, store, own, upload, shoe, settings)
        assert projects.class_counts(session, own) == {"Hat": 0, "Shoe": 1}
        with pytest.raises(NotFoundError, match="has no class 'Bag'; it has Hat, Shoe"):
            projects.category_of(session, own, "Bag")
        two = projects.category_of(session, own, "Cafe\u0301", create=True)
        assert projects.category_of(session, own, "Caf\u00e9").id == two.id
        few = ServiceSettings(storage=settings.storage, max_images=1)
        with pytest.raises(LimitError, match="has 1 images, which is the limit"):
            projects.add_image(
                session, store, own, read_upload(picture(1), "b.png", settings), None, few
            )
    with database.transaction() as session:
        projects.delete_project(session, own)
        assert session.scalar(select(Image)) is None


def test_a_job_is_leased_once_and_again_when_its_worker_dies(
    database: Database, caller: Caller, settings: ServiceSettings
) -> None:
    job_id = queued(database, project(database, caller, settings))
    with database.transaction() as session:
        job = queue.lease(session, "one", 30, attempts=2)
        assert job is not None
        assert (job.id, job.state, job.attempts) == (job_id, "running", 1)
    with database.transaction() as session:
        assert queue.lease(session, "two", 30, attempts=2) is None
        assert queue.renew(session, job_id, "one", -1) is True
        assert queue.renew(session, job_id, "two", 30) is None
    with database.transaction() as session:
        job = queue.lease(session, "two", 30, attempts=2)
        assert job is not None
        assert (job.worker, job.attempts) == ("two", 2)
        assert queue.renew(session, job_id, "one", 30) is None
        job.lease_until = utc_now() - timedelta(seconds=1)
    with database.transaction() as session:
        assert queue.lease(session, "three", 30, attempts=2) is None
        job = session.get(Job, job_id)
        assert job is not None
        assert (job.state, job.error) == ("failed", "the worker of this training died 2 times")
        model = session.get(Model, job.model_id)
        assert model is not None
        assert model.state == "failed"


def test_cancelling(database: Database, caller: Caller, settings: ServiceSettings) -> None:
    own = project(database, caller, settings)
    waiting, running = queued(database, own, 1), None
    with database.transaction() as session:
        job = session.get(Job, waiting)
        assert job is not None
        queue.cancel(session, job)
        assert job.state == "cancelled"
    running = queued(database, own, 2)
    with database.transaction() as session:
        job = queue.lease(session, "one", 30, attempts=2)
        assert job is not None
        assert job.id == running
        queue.cancel(session, job)
    with database.transaction() as session:
        assert queue.renew(session, running, "one", 30) is False


def test_the_queue_has_an_end(
    database: Database, caller: Caller, settings: ServiceSettings
) -> None:
    own = project(database, caller, settings)
    queued(database, own, 1, most=1)
    with pytest.raises(
        ResourceError, match="1 training waits, which is the limit; try again later"
    ):
        queued(database, own, 2, most=1)


def test_many_workers_share_the_queue(
    database: Database, caller: Caller, settings: ServiceSettings
) -> None:
    own = project(database, caller, settings)
    jobs = {queued(database, own, version) for version in range(1, 21)}
    taken: list[str] = []

    def work(name: str) -> None:
        while True:
            with database.transaction() as session:
                job = queue.lease(session, name, 30, attempts=2)
                if job is None:
                    return
                taken.append(job.id)

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(jobs)
