"""`/api/v1/keys` and `/api/v1/audit`: who may call, and who changed what."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from dressform.core.frames import Json
from dressform.service import audit, keys
from dressform.service.database.tables import Key, is_id, utc_now
from dressform.service.errors import ConflictError, NotFoundError
from dressform.service.http.auth import HasService, IsAdmin
from dressform.service.http.change import HasChange
from dressform.service.http.documents import API
from dressform.service.http.schemas import Document, Input, KeyDocument, Keys, Name
from dressform.service.keys import Scope

router = APIRouter(prefix=API)


class NewKey(Input):
    """A key to create."""

    name: Name
    scope: Scope


class CreatedKey(Document):
    """A key, which is told this once."""

    key: KeyDocument
    secret: str


class EntryDocument(Document):
    """An entry of the audit log."""

    id: int
    time: datetime
    action: str
    target: str
    key_id: str | None
    address: str
    detail: Json


class Entries(Document):
    """Newest first; ``next`` is ``before`` of the next page."""

    entries: list[EntryDocument]
    next: int | None


@router.get("/keys")
def list_keys(caller: IsAdmin, service: HasService) -> Keys:
    """All keys, revoked ones too."""
    with service.database.reading() as session:
        query = select(Key).where(Key.tenant_id == caller.tenant_id)
        found = session.scalars(query.order_by(Key.created.desc(), Key.id))
        return Keys(keys=[KeyDocument.of(key) for key in found])


@router.post("/keys", status_code=201)
def create_key(caller: IsAdmin, change: HasChange, body: NewKey) -> CreatedKey:
    """Create a key."""
    with change.transaction() as session:
        key, secret = keys.create_key(session, caller.tenant_id, body.name, body.scope)
        change.note(session, caller, "key.create", key.id, {"name": key.name, "scope": key.scope})
        return CreatedKey(key=KeyDocument.of(key), secret=secret)


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(request: Request, caller: IsAdmin, change: HasChange, key_id: str) -> Response:
    """Revoke a key; sessions that were begun with it end."""
    with change.transaction() as session:
        key = session.get(Key, key_id) if is_id(key_id) else None
        if key is None or key.tenant_id != caller.tenant_id:
            raise NotFoundError(f"there is no key {key_id!r}")
        if key.scope == "admin" and key.revoked is None:
            others = session.scalar(
                select(Key.id)
                .where(
                    Key.tenant_id == caller.tenant_id,
                    Key.scope == "admin",
                    Key.revoked.is_(None),
                    Key.id != key.id,
                )
                .limit(1)
            )
            if others is None:
                raise ConflictError(
                    f"{key.name!r} is the last admin key; create another one before you revoke it"
                )
        key.revoked = key.revoked or utc_now()
        change.note(session, caller, "key.revoke", key.id, {"name": key.name})
    request.app.state.callers.forget()
    return Response(status_code=204)


@router.get("/audit")
def list_audit(
    caller: IsAdmin,
    service: HasService,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Entries:
    """Who changed what."""
    with service.database.reading() as session:
        found = audit.entries(session, caller, limit=limit, before=before)
        entries = [EntryDocument.of(entry) for entry in found]
    return Entries(entries=entries, next=entries[-1].id if len(entries) == limit else None)
