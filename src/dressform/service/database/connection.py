"""`Database`: sessions of SQLite or PostgreSQL with one behaviour."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.orm import Session

from dressform.core.errors import ConfigError, ResourceError
from dressform.service.errors import FullError, UnansweredError

BUSY_SECONDS = 20.0
"""How long a transaction waits for another one's lock on SQLite."""
FULL_KINDS = ("SQLITE_FULL", "53100")
READ_ONLY_KINDS = ("SQLITE_READONLY", "25006")
"""Errors of a disk that is full, and of one that cannot be written: SQLite's and PostgreSQL's."""


class Database:
    """A connection pool, and transactions.

    Args:
        url: ``sqlite:///file`` or ``postgresql://user:password@host/name``.

    Attributes:
        engine: SQLAlchemy's.

    Raises:
        ConfigError: the URL is of another database, or none.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, or all undone.

        Raises:
            ResourceError: the database is gone, locked for long, full or read-only.
        """
        with _told(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing, and waits for nobody.

        Raises:
            ResourceError: the database is gone.
        """
        engine = self.engine.execution_options(reading=True)
        with _told(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def check(self) -> None:
        """Ask the database something.

        Raises:
            ResourceError: it does not answer, or SQLite finds its file damaged.
        """
        with self.reading() as session:
            if self.is_sqlite:
                found = session.execute(text("PRAGMA quick_check")).scalars().all()
                if found != ["ok"]:
                    raise ResourceError(f"the database is damaged: {found[0]}; restore a backup")
            else:
                session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    """A database that does not answer, as an error of ours."""
    try:
        yield
    except OperationalError as error:
        raise _answer(error) from error
    except DBAPIError as error:
        # SQLite calls a file that is damaged, or none of its own, plainly a DatabaseError.
        if error.connection_invalidated or type(error) is DatabaseError:
            raise _answer(error) from error
        raise


def _answer(error: DBAPIError) -> ResourceError:
    """The cause is told by name: a message of the driver's is not always its reason."""
    kind = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    if kind in FULL_KINDS:
        return FullError("the database cannot write: its disk is full; make room there")
    if kind is not None and kind.startswith(READ_ONLY_KINDS):
        return ResourceError("the database is read-only; make its disk writable again")
    if kind is not None and kind.startswith("SQLITE_BUSY"):
        return ResourceError(
            f"the database has been locked for more than {BUSY_SECONDS:g} s; try again, or end the "
            f"program that locks it"
        )
    return UnansweredError(f"the database does not answer: {_reason(error)}")


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(
            f"the database is {url!r}; allowed: sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise ConfigError(
            f"the database is {kind}; allowed: sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    if kind == "sqlite":
        plain = parsed.set(drivername="sqlite")
        engine = create_engine(plain, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    try:
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise ConfigError(
            "PostgreSQL needs the package psycopg; pip install 'dressform[postgresql]'"
        ) from None


def _prepare_sqlite(connection: Any, record: object) -> None:
    # SQLAlchemy begins transactions; the driver's own way begins them too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    # NORMAL could lose acknowledged uploads when the power fails.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and writes later would fail at once where another writes.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
