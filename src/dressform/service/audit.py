"""The audit log: who changed what, written in the transaction that changes it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from dressform.service.database.tables import AuditEntry
from dressform.service.keys import Caller


def record(
    session: Session,
    caller: Caller,
    action: str,
    target: str = "",
    detail: Mapping[str, object] | None = None,
    address: str = "",
) -> None:
    """Write an entry.

    Args:
        session: of the transaction that makes the change.
        caller: who makes it.
        action: such as ``project.create``.
        target: identifier of what is changed.
        detail: more about it; never a key or an image.
        address: of the client.
    """
    session.add(
        AuditEntry(
            tenant_id=caller.tenant_id,
            key_id=caller.key_id,
            address=address[:64],
            action=action,
            target=target[:64],
            detail=dict(detail or {}),
        )
    )


def entries(
    session: Session, caller: Caller, *, limit: int, before: int | None = None
) -> list[AuditEntry]:
    """Entries of the caller's tenant, newest first.

    Args:
        session: to read with.
        caller: whose tenant.
        limit: most entries.
        before: only entries with a smaller id.
    """
    query = select(AuditEntry).where(AuditEntry.tenant_id == caller.tenant_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))
