"""Sessions and migrations."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select

from dressform.core.errors import ConfigError, ResourceError
from dressform.service.database import migrate
from dressform.service.database.connection import Database
from dressform.service.database.tables import Project, Tenant
from dressform.service.errors import FullError
from dressform.service.settings import ServiceSettings


def test_migrations_make_the_tables_that_the_code_has(database: Database) -> None:
    assert migrate.revision(database) == "0002"
    command.check(migrate._config(database))
    migrate.upgrade(database)  # once more changes nothing


def test_a_database_of_a_newer_version_is_refused(database: Database, settings: object) -> None:
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="revision 9999, which this version .* does not know"):
        migrate.upgrade(database)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///FILE or postgresql://"):
        Database(url)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_locked_or_damaged_database_is_told(settings: ServiceSettings, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="the database does not answer: unable to open"):
        Database(f"sqlite:///{tmp_path}/none/service.db").check()
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(ResourceError, match="file is not a database"):
        Database(f"sqlite:///{tmp_path}/text.db").check()


SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@SQLITE
def test_what_keeps_sqlite_from_writing_is_told_by_its_name(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dressform.service.database.connection.BUSY_SECONDS", 0.1)
    database = Database(settings.database_url)
    migrate.upgrade(database)

    def add(pragma: str = "") -> None:
        with database.transaction() as session:
            if pragma:
                session.connection().exec_driver_sql(f"PRAGMA {pragma}")
            session.add_all(Tenant(name=f"{n}" * 200) for n in range(100, 600))

    with pytest.raises(FullError, match="its disk is full; make room"):
        add("max_page_count=10")
    database.close()
    with pytest.raises(ResourceError, match="the database is read-only; make its disk writable"):
        add("query_only=ON")
    database.close()
    with sqlite3.connect(settings.storage / "service.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ResourceError, match="locked for more than 0.1 s"):
            add()
        with database.reading() as session:
            assert session.scalars(select(Tenant)).all() == []
    other.close()
    add()
    database.close()


REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9000", {head!r}


def upgrade() -> None:
    with op.batch_alter_table("projects") as table:
        table.add_column(sa.Column("colour", sa.String(16), server_default="grey"))
"""


def test_a_later_revision_finds_the_rows_of_this_one(
    settings: ServiceSettings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the next version of dressform will do it: a revision more, and the rows stay."""
    url = f"sqlite:///{tmp_path / 'next.db'}"
    if settings.database is not None:
        url = request.getfixturevalue("cluster").new_database()
    database = Database(url)
    migrate.upgrade(database)
    head = migrate.newest(database)
    with database.transaction() as session:
        tenant = Tenant(name="main")
        session.add(tenant)
        session.flush()
        session.add(Project(tenant_id=tenant.id, name="Shop"))
    place = tmp_path / "alembic"
    shutil.copytree(Path(migrate.__file__).parent, place)
    (place / "versions" / "9000_colour.py").write_text(REVISION.format(head=head))
    ours = migrate._config

    def config(database: Database) -> Config:
        changed = ours(database)
        changed.set_main_option("script_location", str(place))
        return changed

    monkeypatch.setattr(migrate, "_config", config)
    migrate.upgrade(database)
    assert migrate.revision(database) == "9000"
    with database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT name, colour FROM projects").all()
        assert rows == [("Shop", "grey")]
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="revision 9000, which this version .* does not know"):
        migrate.upgrade(database)
    database.close()


def test_reading_waits_for_nobody(database: Database, settings: ServiceSettings) -> None:
    with database.transaction() as writing:
        writing.add(Tenant(name="new"))
        writing.flush()
        with database.reading() as reading:
            assert reading.scalars(select(Tenant.name)).all() == []


@SQLITE
def test_what_was_committed_is_on_the_disk(database: Database, settings: ServiceSettings) -> None:
    with sqlite3.connect(settings.storage / "service.db") as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with database.transaction() as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
