"""A real service with a real worker, and its page in a browser."""

import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from dressform.data.dataset import DatasetSplits
from dressform.service.database.connection import Database
from dressform.service.database.migrate import upgrade
from dressform.service.database.tables import Job, Model, Tenant
from dressform.service.http.app import create_app
from dressform.service.images import read_upload
from dressform.service.keys import Caller, create_key, first_key
from dressform.service.projects import add_image, category_of, create_project
from dressform.service.server import Server, address_of, listen
from dressform.service.service import Service
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.worker import Worker
from tests.conftest import TINY
from tests.service.ending import ends
from tests.writers import packed

SECRET = "secret-of-the-link"
CLASSES = {"Trouser": 1, "Boot": 9, "Bag": 8}


@dataclass(frozen=True)
class Running:
    """A service that answers.

    ``photos`` has class folders with 12 images each, a folder ``new`` with 6, ``boots.zip`` with
    one of the class folders, and ``notes.png``, which is no image.
    """

    url: str
    database: Database
    settings: ServiceSettings
    photos: Path

    @property
    def link(self) -> str:
        """The printed link."""
        return f"{self.url}/#signin={SECRET}"


@contextmanager
def in_thread(server: Server, worker: Worker, connection: object) -> Iterator[None]:
    serving = threading.Thread(target=server.run, args=([connection],), daemon=True)
    working = threading.Thread(target=worker.run, daemon=True)
    serving.start()
    working.start()
    yield
    server.should_exit = True
    server._app.state.events.close()
    worker.stop()
    ends(serving, working)


@pytest.fixture(scope="module")
def service(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    storage, cache = tmp_path_factory.mktemp("service"), tmp_path_factory.mktemp("trained")
    settings = ServiceSettings(storage=storage, port=0)
    database, store = Database(settings.database_url), Store(storage)
    upgrade(database)
    with database.transaction() as session:
        first_key(session)
    script = Path(__file__).with_name("small_training.py")

    def command(folder: Path) -> list[str]:
        return [sys.executable, str(script), str(folder), str(cache), *TINY]

    worker = Worker(database, store, settings, command=command)
    app = create_app(Service(database=database, store=store, settings=settings), sign_in=SECRET)
    with listen(settings) as connection, in_thread(Server(app), worker, connection):
        yield Running(address_of(connection), database, settings, photos)
    database.close()


@pytest.fixture(scope="module")
def photos(fashion: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, data = tmp_path_factory.mktemp("photos"), fashion.train

    def write(path: Path, row: int) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(packed(Image.fromarray(255 - data.images[row, ..., 0]), "PNG"))

    for name, label in CLASSES.items():
        rows = np.flatnonzero(data.labels == label)
        for k, row in enumerate(rows[:12]):
            write(folder / name / f"{name}-{k}.png", row)
        for k, row in enumerate(rows[12:14]):
            write(folder / "new" / f"{name}-new-{k}.png", row)
    (folder / "notes.png").write_bytes(b"this is text")
    with zipfile.ZipFile(folder / "boots.zip", "w") as archive:
        for path in (folder / "Boot").iterdir():
            archive.write(path, f"Boot/{path.name}")
        archive.writestr("Boot/Thumbs.db", b"")
    return folder


@contextmanager
def page_of(browser: Browser, width: int) -> Iterator[Page]:
    """A page that fails at the end if a script of it failed, or it asked for anything elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": 844}, accept_downloads=True)
    page = context.new_page()
    faults: list[str] = []
    hosts: set[str] = set()

    def hear(kind: str, text: str) -> None:
        # Chromium reports each refusal of the service; the page tells it in its own words.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            faults.append(text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: hear(message.type, message.text))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    yield page
    address = urlsplit(page.url).netloc
    context.close()
    assert faults == []
    assert hosts <= {address, ""}  # a blob: or data: address has none


def go(page: Page, tab: str) -> None:
    page.get_by_role("navigation", name="Project").get_by_role("link", name=tab).click()
    expect(page).to_have_title(re.compile(f"^{tab} – "))


def shop_of(service: Running, name: str = "Everything") -> str:
    """The id of a project that has everything that a screen can show, without a training."""
    store = Store(service.settings.storage)
    with service.database.transaction() as session:
        tenant = session.scalars(select(Tenant)).one()
        key, _ = create_key(session, tenant.id, "for tests", "admin")
        caller = Caller(tenant.id, key.id, "admin")
        project = create_project(session, caller, name, CLASSES, service.settings)
        categories = {name: category_of(session, project, name) for name in CLASSES}
        for path in sorted(service.photos.rglob("*-*.png")):
            found = read_upload(path.read_bytes(), path.name, service.settings)
            category = categories.get(path.parent.name)
            image = add_image(session, store, project, found, category, service.settings).image
            if category is None:
                image.suggested_id, image.suggested_probability = categories["Bag"].id, 0.61
                image.usefulness = 0.5
        scores = {"accuracy": 0.91, "low": 0.88, "high": 0.94, "protocol": "100 held-out images"}
        for version, state in ((1, "ready"), (2, "failed"), (3, "ready")):
            model = Model(
                project_id=project.id, version=version, state=state, recipe="fast", examples=36
            )
            model.scores = scores if state == "ready" else None
            session.add(model)
            session.flush()
            failed = state == "failed"
            state, error = ("failed", "the disk is full") if failed else ("succeeded", None)
            session.add(Job(project_id=project.id, model_id=model.id, state=state, error=error))
            project.promoted_id = project.promoted_id or model.id
        return project.id
