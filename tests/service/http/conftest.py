"""A real server in a thread, with two tenants and a key of each kind."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from dressform.service.database.connection import Database
from dressform.service.database.migrate import upgrade
from dressform.service.database.tables import Tenant
from dressform.service.http.app import create_app
from dressform.service.keys import Caller, create_key
from dressform.service.service import Service
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from tests.service.ending import ends

ENDING = 10
"""Seconds that requests have to end."""
SIGN_IN = "what the printed link carries"


@dataclass(frozen=True)
class Live:
    """A service that answers.

    Attributes:
        url: of it.
        app: its app.
        service: its parts.
        keys: (tenant, scope) -> key; tenants are ``own`` and ``other``.
        callers: (tenant, scope) -> who the key is.
    """

    url: str
    app: FastAPI
    service: Service
    keys: dict[tuple[str, str], str]
    callers: dict[tuple[str, str], Caller]

    def client(self, scope: str | None = "admin", tenant: str = "own") -> httpx.Client:
        """A client with a key, or with none."""
        headers = {} if scope is None else {"Authorization": f"Bearer {self.keys[tenant, scope]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


def start(settings: ServiceSettings) -> Iterator[Live]:
    """Serve until the iterator is closed."""
    database = Database(settings.database_url)
    upgrade(database)
    service = Service(database=database, store=Store(settings.storage), settings=settings)
    keys, callers = {}, {}
    with database.transaction() as session:
        for name in ("own", "other"):
            tenant = Tenant(name=name)
            session.add(tenant)
            session.flush()
            for scope in ("admin", "train", "predict"):
                key, secret = create_key(session, tenant.id, scope, scope)
                keys[name, scope] = secret
                callers[name, scope] = Caller(tenant.id, key.id, scope)
    app = create_app(service, sign_in=SIGN_IN)
    config = uvicorn.Config(
        app, port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=ENDING
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Live(f"http://127.0.0.1:{port}", app, service, keys, callers)
    finally:
        app.state.events.close()
        server.should_exit = True
        ends(thread)
        database.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server on SQLite with small limits for all tests; each makes a project of its own."""
    settings = ServiceSettings(
        storage=tmp_path_factory.mktemp("service"),
        max_upload=4 * 2**20,
        max_image=2**20,
        max_files=200,
        max_unpacked=16 * 2**20,
        max_images=60,
        request_timeout=2,
    )
    yield from start(settings)


@pytest.fixture
def http(live: Live) -> Iterator[httpx.Client]:
    """With the own tenant's admin key."""
    with live.client() as client:
        yield client


@pytest.fixture
def project(http: httpx.Client) -> Iterator[str]:
    """Path of a new project, with the classes Hat and Shoe."""
    answer = http.post("/api/v1/projects", json={"classes": ["Hat", "Shoe"]})
    path = f"/api/v1/projects/{answer.json()['id']}"
    yield path
    http.delete(path)
