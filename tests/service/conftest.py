import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from dressform.service.database.connection import Database
from dressform.service.database.migrate import newest, upgrade
from dressform.service.database.tables import Table, Tenant
from dressform.service.keys import Caller
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from tests.service.postgresql import Cluster, programs


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server."""
    found = programs()
    if found is None:
        message = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    server = Cluster(found)
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgresql(cluster: Cluster) -> Iterator[Database]:
    """A database with all tables, which tests use one after another."""
    database = Database(cluster.new_database())
    upgrade(database)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> ServiceSettings:
    """Of a service whose database, with empty tables, is of either kind."""
    settings = ServiceSettings(storage=tmp_path)
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql")
        names = ", ".join(table.name for table in Table.metadata.sorted_tables)
        with database.transaction() as session:
            session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            revision = text("UPDATE alembic_version SET version_num = :newest")
            session.execute(revision, {"newest": newest(database)})
        url = database.engine.url.set(drivername="postgresql")
        settings = replace(settings, database=url.render_as_string(hide_password=False))
    return settings


@pytest.fixture
def database(settings: ServiceSettings) -> Iterator[Database]:
    found = Database(settings.database_url)
    upgrade(found)
    yield found
    found.close()


@pytest.fixture
def store(settings: ServiceSettings) -> Store:
    return Store(settings.storage)


@pytest.fixture
def caller(database: Database) -> Caller:
    with database.transaction() as session:
        tenant = Tenant(name="shop")
        session.add(tenant)
        session.flush()
        return Caller(tenant.id, "no key", "train")
