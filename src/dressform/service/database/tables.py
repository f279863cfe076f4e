"""The tables of the service's database. Times are UTC; identifiers are 32 hexadecimal digits."""

import secrets
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy import types as sql_types
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Document = dict[str, object]
"""A value that is kept as JSON."""
Identifier = String(32)
Name = String(200)


def new_id() -> str:
    """A random identifier: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether a text of a client may be an identifier."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def utc_now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


class UtcDateTime(sql_types.TypeDecorator[datetime]):
    """Times with UTC as their zone, also from SQLite, which keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite gets it without a zone."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With UTC as its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """A row of a table."""

    type_annotation_map: ClassVar = {datetime: UtcDateTime(), Document: JSON}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Tenant(Table):
    """Somebody who sees only their own projects.

    Attributes:
        id: of the tenant.
        name: unique.
        created: when.
    """

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Name, unique=True)
    created: Mapped[datetime] = mapped_column(default=utc_now)


class Key(Table):
    """An API key, of which only a hash is kept.

    Attributes:
        id: of the key.
        tenant_id: whose key it is.
        name: for people.
        prefix: first characters of the key, for people.
        digest: SHA-256 of the key, 64 hexadecimal digits. A key has 256 random bits, so a slow hash
            would add nothing.
        scope: ``admin`` (everything of the tenant, and keys), ``train`` (projects, images,
            training, predictions) or ``predict``.
        created: when.
        last_used: to the minute, or None.
        revoked: when it was revoked, or None.
    """

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Name)
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(16))
    created: Mapped[datetime] = mapped_column(default=utc_now)
    last_used: Mapped[datetime | None]
    revoked: Mapped[datetime | None]
    tenant: Mapped[Tenant] = relationship(lazy="joined")


class Project(Table):
    """Images in classes, and the models trained on them.

    Attributes:
        id: of the project; also the ``model_id`` of the NanoNets-compatible protocol.
        tenant_id: whose project it is.
        name: unique for the tenant.
        budget: seconds of a training.
        created: when.
        promoted_id: the model that answers predictions, or None before the first one. No foreign
            key: models refer to their projects already.
    """

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    budget: Mapped[float] = mapped_column(default=600.0)
    created: Mapped[datetime] = mapped_column(default=utc_now)
    promoted_id: Mapped[str | None] = mapped_column(Identifier)


class Category(Table):
    """A class of a project.

    Attributes:
        id: of the class.
        project_id: its project.
        name: unique in the project.
        position: in the order in which classes were given, from 0.
    """

    __tablename__ = "categories"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    position: Mapped[int]


class Image(Table):
    """An image of a project; its bytes are in the store, under their SHA-256.

    Attributes:
        id: of the image.
        project_id: its project.
        sha256: of its bytes, unique in the project.
        name: of the file that it came as.
        format: as Pillow names it: ``JPEG``, ``PNG``, ….
        width, height: pixels, upright.
        size: bytes.
        category_id: its class; None while it is unlabelled.
        suggested_id: the class that a model suggests for an unlabelled image, or None.
        suggested_probability: of that class, 0..1.
        usefulness: how much a label of an unlabelled image would help the next training, 0..1;
            None before a model exists.
        problem: what is doubtful about it, for people; None if nothing is known.
        created: when it was uploaded.
        labelled: when it got its present label, or None.
    """

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("project_id", "sha256"),
        Index(None, "project_id", "category_id"),
        Index(None, "project_id", "usefulness"),
        Index(None, "category_id"),
        Index(None, "suggested_id"),
        Index(None, "sha256"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(400))
    format: Mapped[str] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    category_id: Mapped[str | None] = mapped_column(
        ForeignKey("categories.id", ondelete="SET NULL")
    )
    suggested_id: Mapped[str | None] = mapped_column(
        ForeignKey("categories.id", ondelete="SET NULL")
    )
    suggested_probability: Mapped[float | None]
    usefulness: Mapped[float | None]
    problem: Mapped[str | None] = mapped_column(String(400))
    created: Mapped[datetime] = mapped_column(default=utc_now)
    labelled: Mapped[datetime | None]


class Model(Table):
    """A trained version of a project's classifier.

    Attributes:
        id: of the model.
        project_id: its project.
        version: from 1.
        state: ``training``, ``ready``, ``failed`` or ``deleted`` (its files are gone).
        recipe: that won, or None.
        classes: names in the order of its outputs, as JSON: ``{"names": […]}``.
        examples: number of images that it was trained on.
        scores: as JSON: ``accuracy``, ``low``, ``high``, ``protocol`` and ``held_out``; None before
            it is ready.
        size: bytes of its folder.
        created: when its training was requested.
        finished: when it became ready, or None.
    """

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("project_id", "version"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="training")
    recipe: Mapped[str | None] = mapped_column(Name)
    classes: Mapped[Document] = mapped_column(default=dict)
    examples: Mapped[int] = mapped_column(default=0)
    scores: Mapped[Document | None]
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[datetime] = mapped_column(default=utc_now)
    finished: Mapped[datetime | None]


class Job(Table):
    """A training that a worker does.

    Attributes:
        id: of the job.
        project_id: its project.
        model_id: the model that it makes.
        state: ``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled``.
        attempts: how often a worker has begun it.
        worker: the name of the worker that has it, or None.
        lease_until: when another worker may take it; None unless it is running.
        cancel: whether it is to be cancelled.
        progress: as JSON: ``phase``, ``epoch``, ``epochs``, ``accuracy``, ``seconds_left``, ….
        error: why it failed, one line; None otherwise.
        created: when it was requested.
        started: when a worker first took it, or None.
        finished: when it ended, or None.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "state", "created"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(Name)
    lease_until: Mapped[datetime | None]
    cancel: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[Document] = mapped_column(default=dict)
    error: Mapped[str | None] = mapped_column(String(1500))
    created: Mapped[datetime] = mapped_column(default=utc_now)
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]


class Event(Table):
    """A line of a job's progress, for those who follow it.

    Attributes:
        id: in the order of time.
        job_id: its job.
        time: when.
        data: as JSON, such as ``{"epoch": 3, "epochs": 20, "val_accuracy": 0.91}``.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    time: Mapped[datetime] = mapped_column(default=utc_now)
    data: Mapped[Document]


class AuditEntry(Table):
    """Who changed what.

    Attributes:
        id: in the order of time.
        time: when.
        tenant_id: whose data; None for the service itself.
        key_id: the key that was used; None for the command line.
        address: of the client.
        action: such as ``project.create``.
        target: identifier of what was changed.
        detail: more about it, as JSON.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    time: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    tenant_id: Mapped[str | None] = mapped_column(Identifier, index=True)
    key_id: Mapped[str | None] = mapped_column(Identifier)
    address: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(64), default="")
    detail: Mapped[Document] = mapped_column(default=dict)
