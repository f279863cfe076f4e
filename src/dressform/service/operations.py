"""What an operator does: prepare a service, check it, back it up and restore it."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from dressform.core.errors import DressformError, ResourceError
from dressform.core.files import sha256_bytes, sha256_file
from dressform.core.text import counted
from dressform.predict.model_card import ModelCard
from dressform.service.database.connection import Database
from dressform.service.database.migrate import newest, revision, upgrade
from dressform.service.database.tables import Image, Job, Model
from dressform.service.keys import first_key
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.training_result import weights_of

LOW = 2**30
"""Free bytes below which a check complains."""
SHOWN = 3
"""Names in a finding."""


@contextlib.contextmanager
def opened(settings: ServiceSettings) -> Iterator[tuple[Database, Store]]:
    """The database, at the newest revision, and the store of a service; made if they do not exist.

    Raises:
        ConfigError: the storage cannot be written, or the database is of a newer version.
        ResourceError: the database does not answer.
    """
    store = Store(settings.storage)
    database = Database(settings.database_url)
    try:
        upgrade(database)
        yield database, store
    finally:
        database.close()


def admin_key(database: Database) -> str | None:
    """The first key of a new service; None if it was made before.

    Raises:
        ResourceError: the database does not answer.
    """
    with database.transaction() as session:
        return first_key(session)


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: of the check.
        ok: whether nothing has to be done.
        message: what was found, and what to do.
    """

    name: str
    ok: bool
    message: str


def check(settings: ServiceSettings) -> list[Finding]:
    """Check a service, which may be running: database, migrations, storage, and every file against
    the rows that name it. Nothing is changed.
    """
    findings: list[Finding] = []
    if not settings.storage.is_dir():
        message = f"{settings.storage} does not exist; dressform serve makes it"
        return [Finding("storage", ok=False, message=message)]
    try:
        store = Store(settings.storage)
        database = Database(settings.database_url)
    except DressformError as error:
        return [Finding("storage", ok=False, message=str(error))]
    free = shutil.disk_usage(settings.storage).free
    room = f"{settings.storage} can be written to, {free / 2**30:.1f} GiB free"
    advice = "" if free >= LOW else "; make room"
    findings.append(Finding("storage", ok=free >= LOW, message=room + advice))
    try:
        database.check()
        findings.append(Finding("database", ok=True, message="it answers, and is not damaged"))
        findings.append(_revision(database))
        if findings[-1].ok:
            findings += [_images(database, store), _models(database, store), _jobs(database)]
    except DressformError as error:
        findings.append(Finding("database", ok=False, message=str(error)))
    finally:
        database.close()
    return findings


def _revision(database: Database) -> Finding:
    current, head = revision(database), newest(database)
    if current == head:
        return Finding("tables", ok=True, message=f"revision {current}, the newest")
    message = f"revision {current or 'none'}, the newest is {head}; dressform serve brings it there"
    return Finding("tables", ok=False, message=message)


def _images(database: Database, store: Store) -> Finding:
    """Whether the bytes of every image are there, and are what they were."""
    with database.reading() as session:
        rows = dict(session.execute(select(Image.sha256, Image.size).distinct()).all())
    wrong = []
    for digest in sorted(rows):
        try:
            if sha256_bytes(store.read(digest)) != digest:
                wrong.append(f"{digest[:12]} is damaged")
        except ResourceError as error:
            wrong.append(str(error))
    total = counted(len(rows), "image file")
    if wrong:
        return Finding("images", ok=False, message=f"{_some(wrong, total)}; restore a backup")
    orphans = sum(digest not in rows for digest in store.digests())
    without = f"; {counted(orphans, 'file')} of no image, deleted by themselves" if orphans else ""
    return Finding("images", ok=True, message=f"{total}, all as they were uploaded{without}")


def _models(database: Database, store: Store) -> Finding:
    """Whether every ready model is there, whole."""
    with database.reading() as session:
        query = select(Model.project_id, Model.version).where(Model.state == "ready")
        rows = session.execute(query).all()
    wrong = []
    for project_id, version in rows:
        try:
            folder = weights_of(store, project_id, version) / "weights"
            if ModelCard.load(folder / "model.json").sha256 != sha256_file(folder / "model.onnx"):
                wrong.append(f"version {version} of project {project_id[:12]} is damaged")
        except (DressformError, OSError) as error:
            cause = error.__cause__ or error  # with its path, for the operator
            wrong.append(f"version {version} of project {project_id[:12]}: {cause}")
    total = counted(len(rows), "model")
    if wrong:
        advice = "restore a backup, or train again"
        return Finding("models", ok=False, message=f"{_some(wrong, total)}; {advice}")
    return Finding("models", ok=True, message=f"{total}, all whole")


def _jobs(database: Database) -> Finding:
    with database.reading() as session:
        states = session.scalars(select(Job.state).where(Job.state.in_(("queued", "running"))))
        found = list(states)
    message = f"{found.count('running')} running, {found.count('queued')} waiting"
    return Finding("trainings", ok=True, message=message)


def _some(wrong: list[str], total: str) -> str:
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return f"{len(wrong)} of {total}: {'; '.join(wrong[:SHOWN])}{more}"
