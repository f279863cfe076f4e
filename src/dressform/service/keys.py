"""API keys: made once, kept as a hash, and what each may do."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from dressform.core.errors import ConfigError, unknown_name
from dressform.service.database.tables import Key, Tenant, utc_now

Scope = Literal["predict", "train", "admin"]
"""Each may do what those before it may, too."""
PREFIX = "df_"
SHOWN = 8
"""First characters of a key that are kept for people."""
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """Who makes a request.

    Attributes:
        tenant_id: whose data they see.
        key_id: the key that they gave.
        scope: what it allows.
    """

    tenant_id: str
    key_id: str
    scope: Scope

    def may(self, scope: Scope) -> bool:
        """Whether the key allows what needs ``scope``."""
        order = get_args(Scope)
        return order.index(self.scope) >= order.index(scope)


def digest_of(secret: str) -> str:
    """SHA-256 of a key, 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(session: Session, tenant_id: str, name: str, scope: str) -> tuple[Key, str]:
    """Make a key.

    Args:
        session: of a transaction.
        tenant_id: whose key it is.
        name: for people, 1 to 200 characters.
        scope: ``predict``, ``train`` or ``admin``.

    Returns:
        the key's row, and the key itself, which is not kept anywhere.

    Raises:
        UnknownNameError: there is no such scope.
        ConfigError: the name is empty or too long.
    """
    if scope not in get_args(Scope):
        raise unknown_name("scope", scope, get_args(Scope))
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise ConfigError(f"a key's name has {len(name)} characters; allowed: 1 to 200")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = Key(
        tenant_id=tenant_id, name=name, scope=scope, prefix=secret[:SHOWN], digest=digest_of(secret)
    )
    session.add(key)
    session.flush()
    return key, secret


def valid_key(session: Session, digest: str) -> Key | None:
    """The key with a SHA-256; None if there is no such key, or if it was revoked."""
    key = session.scalar(select(Key).where(Key.digest == digest))
    return None if key is None or key.revoked is not None else key


def is_use_unnoted(key: Key) -> bool:
    """Whether the use of a key was last noted more than a minute ago."""
    return key.last_used is None or utc_now() - key.last_used > USED_EVERY


def caller_with(key: Key) -> Caller:
    """Who a key belongs to."""
    return Caller(key.tenant_id, key.id, key.scope)  # type: ignore[arg-type]


def caller_of(session: Session, secret: str) -> Caller | None:
    """Who a key belongs to; None if there is no such key, or if it was revoked.

    Notes the use of the key, at most once a minute.
    """
    key = valid_key(session, digest_of(secret))
    if key is None:
        return None
    if is_use_unnoted(key):
        key.last_used = utc_now()
    return caller_with(key)


def first_key(session: Session) -> str | None:
    """The admin key of a new service, made together with its first tenant; None if there are keys
    already.
    """
    if session.scalar(select(Key.id).limit(1)) is not None:
        return None
    tenant = session.scalar(select(Tenant).limit(1))
    if tenant is None:
        tenant = Tenant(name="main")
        session.add(tenant)
        session.flush()
    return create_key(session, tenant.id, "first key", "admin")[1]
