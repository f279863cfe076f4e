"""Who makes a request: an API key as Bearer or Basic, or the cookie of a signed-in browser."""

import base64
import binascii
import contextlib
import threading
import time
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from sqlalchemy import update
from starlette.concurrency import run_in_threadpool

from dressform.core.errors import ResourceError
from dressform.service.database.tables import Key, utc_now
from dressform.service.errors import AuthenticationError, ForbiddenError
from dressform.service.http.sessions import COOKIE, CSRF_HEADER, Sessions
from dressform.service.keys import Caller, Scope, caller_with, digest_of, is_use_unnoted, valid_key
from dressform.service.service import Service

CACHE_SECONDS = 3.0
"""A key that another process revokes may be used for so long."""
MAX_CACHED = 10_000
SAFE = ("GET", "HEAD", "OPTIONS")


class Callers:
    """Callers by their key, kept for a few seconds, so that predictions need no database.

    Args:
        service: whose keys.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._by_digest: dict[str, tuple[float, Caller]] = {}
        self._by_id: dict[str, tuple[float, Caller]] = {}
        self._noting: set[str] = set()

    def forget(self) -> None:
        """Look into the database again, since a key was revoked."""
        self._by_digest.clear()
        self._by_id.clear()

    async def with_secret(self, secret: str) -> Caller | None:
        """Who a key belongs to; None if it is not valid."""
        digest = digest_of(secret)
        return _fresh(self._by_digest, digest) or await run_in_threadpool(self._look, digest)

    async def with_id(self, key_id: str) -> Caller | None:
        """Who the key with an id belongs to; None if it is not valid any more."""
        return _fresh(self._by_id, key_id) or await run_in_threadpool(self._look, None, key_id)

    def _look(self, digest: str | None, key_id: str = "") -> Caller | None:
        database = self._service.database
        with database.reading() as session:
            if digest is not None:
                key = valid_key(session, digest)
            else:
                key = session.get(Key, key_id)
                key = None if key is None or key.revoked is not None else key
            if key is None:
                return None
            caller, unnoted = caller_with(key), is_use_unnoted(key)
        if unnoted and caller.key_id not in self._noting:
            self._noting.add(caller.key_id)
            threading.Thread(target=self._note, args=(caller.key_id,), daemon=True).start()
        known, name = (self._by_id, key_id) if digest is None else (self._by_digest, digest)
        if len(known) >= MAX_CACHED:
            known.clear()
        known[name] = (time.monotonic() + CACHE_SECONDS, caller)
        return caller

    def _note(self, key_id: str) -> None:
        """Note the use of a key. A database that is locked or full keeps nobody out, nor
        waiting.
        """
        database = self._service.database
        try:
            with contextlib.suppress(ResourceError), database.transaction() as session:
                session.execute(update(Key).where(Key.id == key_id).values(last_used=utc_now()))
        finally:
            self._noting.discard(key_id)


def _fresh(known: dict[str, tuple[float, Caller]], name: str) -> Caller | None:
    until, caller = known.get(name, (0.0, None))
    return caller if time.monotonic() < until else None


async def authenticate(request: Request, scope: Scope) -> Caller:
    """Who makes a request.

    Args:
        request: with a key as ``Authorization: Bearer``, as the user of ``Basic``, or with a
            session's cookie.
        scope: that its key has to have.

    Raises:
        AuthenticationError: no valid key or session is given.
        ForbiddenError: the key has not this scope, or another site's page sent the request.
    """
    header = request.headers.get("authorization")
    if header is not None:
        caller = await _caller_of_header(request, header)
    else:
        caller = await _caller_of_cookie(request)
    request.state.key_id = caller.key_id  # for the log
    if not caller.may(scope):
        raise ForbiddenError(f"this needs a key of scope {scope}; the key given is {caller.scope}")
    return caller


async def _caller_of_header(request: Request, header: str) -> Caller:
    scheme, _, credentials = header.partition(" ")
    secret = credentials.strip()
    if scheme.lower() == "basic":
        check_origin(request)  # browsers send Basic by themselves, once they have it
        try:
            secret = base64.b64decode(secret, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            raise AuthenticationError("the Authorization header is no valid Basic") from None
    elif scheme.lower() != "bearer":
        raise AuthenticationError(
            f"the Authorization header is {scheme[:20]!r}; allowed: Bearer KEY, or Basic with the "
            f"key as user"
        )
    callers: Callers = request.app.state.callers
    caller = await callers.with_secret(secret)
    if caller is None:
        raise AuthenticationError("the key is not valid, or was revoked; use another one")
    return caller


async def _caller_of_cookie(request: Request) -> Caller:
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise AuthenticationError("no key is given; send the header Authorization: Bearer KEY")
    sessions: Sessions = request.app.state.sessions
    key_id = sessions.key_of(cookie)
    callers: Callers = request.app.state.callers
    caller = None if key_id is None else await callers.with_id(key_id)
    if caller is None:
        raise AuthenticationError("the session has ended; sign in again")
    if request.method not in SAFE:
        check_origin(request)
        if not sessions.is_csrf(cookie, request.headers.get(CSRF_HEADER, "")):
            raise ForbiddenError(
                f"the header {CSRF_HEADER} is missing or wrong; GET /api/v1/session tells it"
            )
    return caller


def allowed(scope: Scope) -> Any:
    """A dependency that gives the caller, whose key has to have a scope.

    The scope can be read from it, so that a test can find what every route needs.
    """

    async def caller_allowed(request: Request) -> Caller:
        return await authenticate(request, scope)

    caller_allowed.scope = scope  # type: ignore[attr-defined]
    return Depends(caller_allowed)


def service_of(request: Request) -> Service:
    """The service of a request."""
    found: Service = request.app.state.service
    return found


HasService = Annotated[Service, Depends(service_of)]
MayPredict = Annotated[Caller, allowed("predict")]
MayTrain = Annotated[Caller, allowed("train")]
IsAdmin = Annotated[Caller, allowed("admin")]


def check_origin(request: Request) -> None:
    """Refuse a change that a page of another site asks for.

    Raises:
        ForbiddenError: the request's Origin is another site.
    """
    if request.method in SAFE:
        return
    origin = request.headers.get("origin")
    if origin is None:
        if request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
            return
        raise ForbiddenError("a page of another site sent this request")
    public = service_of(request).settings.public_url
    own = {request.headers.get("host", "").lower()}
    if public is not None:
        own.add(urlsplit(public).netloc.lower())
    try:
        site = urlsplit(origin).netloc.lower()
    except ValueError:  # no address at all
        site = ""
    if not site or site not in own:
        raise ForbiddenError(f"a page of another site ({origin[:100]}) sent this request")
