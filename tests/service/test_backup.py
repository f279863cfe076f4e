"""Backup and restore, between both kinds of database; checks; upgrades."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, text

from dressform.core.errors import ConfigError, DataError, ResourceError
from dressform.core.files import exclusive
from dressform.service.backup import HEAD, back_up, restore
from dressform.service.cleanup import LOCK
from dressform.service.database import migrate
from dressform.service.database.connection import Database
from dressform.service.database.tables import Event, Image, Job, Key, Project, Tenant
from dressform.service.keys import Caller, caller_of
from dressform.service.operations import admin_key, check, opened
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.worker import Worker
from tests.service.shop import job_of, models_of, shop
from tests.service.shop import request as requested
from tests.service.test_worker import doing

SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_a_backup_makes_the_same_service(
    database: Database,
    store: Store,
    caller: Caller,
    settings: ServiceSettings,
    tmp_path: Path,
    other: str,
    request: pytest.FixtureRequest,
) -> None:
    key = admin_key(database)
    own = shop(database, store, caller, settings)
    first = requested(database, own, settings)
    Worker(database, store, settings, "one", doing("succeed")).work_once()
    second = requested(database, own, settings)
    with database.transaction() as session:
        session.get_one(Job, second).state = "running"  # when the backup is made
    file = tmp_path / "service.tar"
    assert back_up(settings, file) == []
    assert file.stat().st_mode & 0o077 == 0

    url = None
    if other == "postgresql":
        url = request.getfixturevalue("cluster").new_database()
    new = ServiceSettings(storage=tmp_path / "new", database=url)
    said = restore(new, file)
    assert "images: 20" in said
    with opened(new) as (made, kept):
        assert job_of(made, first).state == "succeeded"
        assert (job_of(made, second).state, job_of(made, second).worker) == ("queued", None)
        assert [vars_of(m) for m in models_of(made, own)] == [
            vars_of(m) for m in models_of(database, own)
        ]
        assert sorted(kept.digests()) == sorted(store.digests())
        assert (kept.model_folder(own.id, 1) / "report.html").exists()
        with made.transaction() as session:
            assert key is not None
            found = caller_of(session, key)
            assert found is not None
            assert found.scope == "admin"
            newest = session.scalars(select(Event.id).order_by(Event.id.desc())).first()
            event = Event(job_id=first, data={"state": "x"})
            session.add(event)
            session.flush()
            assert newest is not None
            assert event.id > newest
    with pytest.raises(ConfigError, match="has a service already; restore into an empty"):
        restore(new, file)
    with pytest.raises(ConfigError, match="already exists; give another name"):
        back_up(settings, file)


def vars_of(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


@SQLITE
def test_what_is_no_backup_is_refused(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings, tmp_path: Path
) -> None:
    shop(database, store, caller, settings, 2)
    file = tmp_path / "service.tar"
    back_up(settings, file)
    new = ServiceSettings(storage=tmp_path / "new")

    def changed(name: str, content: bytes, *, kind: bytes = tarfile.REGTYPE) -> Path:
        other = tmp_path / "changed.tar"
        with tarfile.open(file) as old, tarfile.open(other, "w") as made:
            for member in old:
                made.addfile(member, old.extractfile(member))
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
            made.addfile(member, io.BytesIO(content))
        return other

    for name in (
        "models/../../x",
        f"models/{'0' * 32}/0001/../../x",
        f"models/{'0' * 32}/0001//etc/x",
        f"objects/{'0' * 64}",
        "elsewhere",
    ):
        with pytest.raises(DataError, match="is damaged at"):
            restore(new, changed(name, b"x"))
    with pytest.raises(DataError, match="which is no file"):
        restore(new, changed(f"models/{'0' * 32}/0001/x", b"", kind=tarfile.SYMTYPE))
    cut = tmp_path / "cut.tar"
    cut.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataError, match="is cut off; copy it again"):
        restore(new, cut)
    with pytest.raises(DataError, match="does not exist"):
        restore(new, tmp_path / "none.tar")
    newer = tmp_path / "newer.tar"
    with tarfile.open(newer, "w") as made:
        content = json.dumps({"format": 99, "dressform": "9.9"}).encode()
        member = tarfile.TarInfo(HEAD)
        member.size = len(content)
        made.addfile(member, io.BytesIO(content))
    with pytest.raises(ConfigError, match="has format 99, .* install dressform 9.9 or newer"):
        restore(new, newer)
    assert restore(new, file)  # nothing of all that was left behind
    with exclusive(store.root / LOCK), pytest.raises(ResourceError, match="another backup"):
        back_up(settings, tmp_path / "two.tar")


def test_a_check_finds_what_is_wrong(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings
) -> None:
    own = shop(database, store, caller, settings, 10)
    found = {finding.name: finding for finding in check(settings)}
    assert all(finding.ok for finding in found.values())
    assert list(found) == ["storage", "database", "tables", "images", "models", "trainings"]
    assert found["images"].message == "20 image files, all as they were uploaded"
    requested(database, own, settings)
    Worker(database, store, settings, "one", doing("succeed")).work_once()
    first, second, *_ = store.digests()
    store.path(first).write_bytes(b"changed")
    store.delete(second)
    found = {finding.name: finding for finding in check(settings)}
    assert found["images"].message.startswith(f"2 of 20 image files: {first[:12]} is damaged; ")
    assert not found["models"].ok
    assert "restore a backup, or train again" in found["models"].message
    (missing,) = check(replace(settings, storage=settings.storage / "none"))
    assert (missing.ok, missing.name) == (False, "storage")


def test_an_older_database_is_brought_up_to_date_with_all_that_is_in_it(
    settings: ServiceSettings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Rows written by hand into the tables of revision 0001."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if settings.database is not None:
        url = request.getfixturevalue("cluster").new_database()
    database = Database(url)
    migrate.upgrade(database, "0001")
    with database.transaction() as session:
        for statement in (
            "INSERT INTO tenants (id, name, created) VALUES ('t', 'main', '2026-01-02 03:04:05')",
            "INSERT INTO keys (id, tenant_id, name, prefix, digest, scope, created) "
            "VALUES ('k', 't', 'first', 'df_', 'd', 'admin', '2026-01-02 03:04:05')",
            "INSERT INTO projects (id, tenant_id, name, budget, created) "
            "VALUES ('p', 't', 'Shop', 600, '2026-01-02 03:04:05')",
            "INSERT INTO categories (id, project_id, name, position) VALUES ('c', 'p', 'Hat', 0)",
            "INSERT INTO images (id, project_id, sha256, name, format, width, height, size, "
            "category_id, created) VALUES ('i', 'p', 'x', 'hat.png', 'PNG', 4, 3, 100, 'c', "
            "'2026-01-02 03:04:05')",
        ):
            session.execute(text(statement))
    migrate.upgrade(database)
    assert migrate.revision(database) == migrate.newest(database)
    command.check(migrate._config(database))
    with database.reading() as session:
        image = session.scalar(select(Image))
        assert image is not None
        assert (image.name, image.category_id, image.created.isoformat()) == (
            "hat.png",
            "c",
            "2026-01-02T03:04:05+00:00",
        )
        project = session.scalar(select(Project))
        assert project is not None
        assert project.budget == 600
        assert session.scalar(select(Key.scope)) == "admin"
        assert session.scalar(select(Tenant.name)) == "main"
    database.close()
