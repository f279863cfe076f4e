"""Alembic's entry: run migrations on the database that :mod:`dressform.service.database.migrate`
was given.
"""

from typing import Literal

from alembic import context

from dressform.service.database.connection import Database
from dressform.service.database.tables import Table, UtcDateTime


def rendered(kind: str, item: object, _: object) -> str | Literal[False]:
    """Our own column types as SQLAlchemy's, so that old migrations need no code of today."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


database: Database = context.config.attributes["database"]

with database.engine.begin() as connection:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_item=rendered,
        render_as_batch=database.is_sqlite,
        transaction_per_migration=False,
    )
    context.run_migrations()
