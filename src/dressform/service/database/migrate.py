"""Bring a database to the tables of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dressform.core.errors import ConfigError
from dressform.service.database.connection import Database


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database"] = database
    return config


def upgrade(database: Database, target: str = "head") -> None:
    """Make the tables, or bring those of an older version up to date, in one transaction.

    Args:
        database: whose tables.
        target: a revision that this version knows; default: its newest.

    Raises:
        ConfigError: the database is of a newer version.
    """
    current, script = revision(database), ScriptDirectory.from_config(_config(database))
    known = {"head"} | {r.revision for r in script.walk_revisions()}
    unknown = next((r for r in (current, target) if r is not None and r not in known), None)
    if unknown is not None:
        raise ConfigError(
            f"the database has revision {unknown}, which this version of dressform does not know; "
            f"install the version that wrote it, or a newer one"
        )
    command.upgrade(_config(database), target)


def revision(database: Database) -> str | None:
    """The revision of a database; None for an empty one.

    Raises:
        ResourceError: it does not answer.
    """
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def newest(database: Database) -> str | None:
    """The revision of this version's tables."""
    return ScriptDirectory.from_config(_config(database)).get_current_head()
