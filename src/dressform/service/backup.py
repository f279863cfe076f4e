"""Backup and restore: one tar file with the rows of all tables, the images and the ready models.

Rows are JSON lines, so that a backup of SQLite can be restored into PostgreSQL and the other way
round. They are of one moment; the images and models that they name do not change, and the clean-up
waits until the backup is done.
"""

import base64
import io
import json
import re
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, DateTime, MetaData, Table, func, select, text

from dressform import __version__
from dressform.core.errors import ConfigError, DataError, ResourceError, RunError
from dressform.core.files import exclusive, sha256_bytes, write_atomic
from dressform.core.text import counted
from dressform.service.cleanup import LOCK
from dressform.service.database.connection import Database
from dressform.service.database.migrate import revision, upgrade
from dressform.service.database.tables import Document
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store

FORMAT = 1
HEAD, END, OBJECTS, MODELS, ROWS = "dressform-backup.json", "end", "objects", "models", "rows"
AT_ONCE = 1000
MODEL_FILE = re.compile(r"[0-9a-f]{32}/\d{4,9}(/[^/\\\0]{1,255})+")


def back_up(settings: ServiceSettings, target: Path) -> list[str]:
    """Write a service, which may be running, to one file.

    Args:
        settings: of the service.
        target: the tar file, which only its owner may read; it must not exist.

    Returns:
        what was left out, a line each: files that were deleted or lost meanwhile.

    Raises:
        ConfigError: the file exists already, or there is no service.
        ResourceError: the database does not answer, or another backup is made.
    """
    if target.exists():
        raise ConfigError(f"{target} already exists; give another name")
    if not settings.storage.is_dir():
        raise ConfigError(f"{settings.storage} does not exist; give the service's folder, storage=")
    store, database = Store(settings.storage), Database(settings.database_url)
    left_out: list[str] = []

    def write(file: BinaryIO) -> None:
        with tarfile.open(fileobj=file, mode="w") as archive:
            left_out.extend(_write(database, store, archive))

    try:
        with exclusive(store.root / LOCK):
            write_atomic(target, write)
            target.chmod(0o600)  # it has hashes of keys, and everybody's images
    except RunError:
        raise ResourceError("a clean-up or another backup is at work; try again") from None
    finally:
        database.close()
    return left_out


def _write(database: Database, store: Store, archive: tarfile.TarFile) -> Iterator[str]:
    current = revision(database)
    if current is None:
        raise ConfigError("the database is empty; there is nothing to back up")
    head = {
        "format": FORMAT,
        "dressform": __version__,
        "revision": current,
        "made": datetime.now(UTC).isoformat(),
    }
    _add(archive, HEAD, json.dumps(head).encode())
    engine = database.engine.execution_options(reading=True)
    if not database.is_sqlite:
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        tables = _tables(connection)
        for table in tables:
            rows = connection.execute(select(table))
            lines = [
                json.dumps(dict(zip(row._fields, map(_plain, row), strict=True))) for row in rows
            ]
            _add(archive, f"{ROWS}/{table.name}.jsonl", "\n".join(lines).encode())
        named = {table.name: table for table in tables}
        images, models = named["images"], named["models"]
        digests = connection.scalars(select(images.c.sha256).distinct()).all()
        ready = connection.execute(
            select(models.c.project_id, models.c.version).where(models.c.state == "ready")
        ).all()
    for digest in sorted(digests):
        try:
            _add(archive, f"{OBJECTS}/{digest}", store.read(digest))
        except ResourceError as error:
            yield str(error)
    for project_id, version in ready:
        folder = store.model_folder(project_id, version)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            yield f"version {version} of project {project_id} has no files"
        for path in files:
            name = path.relative_to(folder).as_posix()
            try:
                _add(archive, f"{MODELS}/{project_id}/{version:04d}/{name}", path.read_bytes())
            except OSError as error:
                yield f"{path}: {error.strerror}"
    _add(archive, END, b"")  # a tar file that was cut off looks like a shorter one


def restore(settings: ServiceSettings, source: Path) -> list[str]:
    """Make a service from a backup.

    Args:
        settings: of the new service, whose database and storage must be empty.
        source: the file.

    Returns:
        a line for each table, and one for files, of what was restored.

    Raises:
        ConfigError: there is a service already, or the backup is of a newer version.
        DataError: the file is no backup, or damaged.
    """
    database, store = Database(settings.database_url), Store(settings.storage)
    try:
        if _has_rows(database):
            raise ConfigError(
                f"{settings.storage} has a service already; restore into an empty "
                f"folder and an empty database"
            )
        with tarfile.open(source, "r:") as archive:
            return _read(database, store, archive, source)
    except (tarfile.TarError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{source} is no backup, or damaged ({error}); take another") from error
    except FileNotFoundError:
        raise DataError(f"{source} does not exist") from None
    finally:
        database.close()


def _read(database: Database, store: Store, archive: tarfile.TarFile, source: Path) -> list[str]:
    members = iter(archive)
    first = next(members, None)
    if first is None or first.name != HEAD:
        raise DataError(f"{source} is no backup of dressform; give the file of dressform backup")
    head = json.loads(_content(archive, first))
    if head.get("format") != FORMAT:
        raise ConfigError(
            f"{source} has format {head.get('format')}, this version of dressform reads {FORMAT}; "
            f"install dressform {head.get('dressform')} or newer"
        )
    rows: dict[str, bytes] = {}
    files, whole = 0, False
    for member in members:
        kind, _, name = member.name.partition("/")
        if not member.isfile():
            raise DataError(f"{source} has {member.name!r}, which is no file; take another backup")
        content = _content(archive, member)
        if member.name == END:
            whole = True
        elif kind == ROWS:
            rows[name.removesuffix(".jsonl")] = content
        elif kind == OBJECTS and sha256_bytes(content) == name:
            store.put(content)
            files += 1
        elif kind == MODELS and MODEL_FILE.fullmatch(name) and ".." not in name.split("/"):
            path = store.root / MODELS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, lambda file, content=content: file.write(content))  # type: ignore[misc]
            files += 1
        else:
            raise DataError(f"{source} is damaged at {member.name!r}; take another backup")
    if not whole:
        raise DataError(f"{source} is cut off; copy it again, or take another backup")
    # Last, and in one transaction: a restore that was interrupted is begun anew.
    upgrade(database, str(head["revision"]))
    said = _insert(database, rows)
    upgrade(database)
    return [*said, counted(files, "file")]


def _has_rows(database: Database) -> bool:
    if revision(database) is None:
        return False
    with database.reading() as session:
        return bool(session.scalar(text("SELECT COUNT(*) FROM tenants")))


def _insert(database: Database, rows: dict[str, bytes]) -> list[str]:
    said = []
    with database.engine.begin() as connection:
        for table in _tables(connection):
            some = [
                _in(table, json.loads(line), naive=database.is_sqlite)
                for line in rows.get(table.name, b"").splitlines()
            ]
            for start in range(0, len(some), AT_ONCE):
                connection.execute(table.insert(), some[start : start + AT_ONCE])
            if some:
                said.append(f"{table.name}: {len(some):,}")
        jobs = next(table for table in _tables(connection) if table.name == "jobs")
        again = {"state": "queued", "worker": None, "lease_until": None}
        connection.execute(jobs.update().where(jobs.c.state == "running").values(again))
        if not database.is_sqlite:
            for name in ("events", "audit"):
                sequence = func.pg_get_serial_sequence(name, "id")
                newest = text(f"(SELECT COALESCE(MAX(id), 0) + 1 FROM {name})")
                connection.execute(select(func.setval(sequence, newest, False)))
    return said


def _tables(connection: Connection) -> list[Table]:
    """As they are in the database, which may be older than the code; those that others refer to
    come first.
    """
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _in(table: Table, row: Document, *, naive: bool) -> Document:
    values = Document()
    for name, value in row.items():
        if name in table.c and isinstance(table.c[name].type, DateTime) and isinstance(value, str):
            when = datetime.fromisoformat(value)
            value = when.replace(tzinfo=None) if naive else when
        values[name] = value
    return values


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise DataError(f"{member.name!r} is no file")
    return file.read()
