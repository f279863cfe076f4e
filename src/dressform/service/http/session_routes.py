"""`/api/v1/session`: sign a browser in and out."""

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

import dressform
from dressform.core.errors import ConfigError
from dressform.service import audit
from dressform.service.database.tables import Key, Tenant
from dressform.service.errors import AuthenticationError
from dressform.service.http.auth import Callers, HasService, MayPredict, check_origin
from dressform.service.http.documents import API
from dressform.service.http.schemas import Document, Input, Text
from dressform.service.http.sessions import COOKIE, SESSION_SECONDS, Sessions
from dressform.service.keys import Caller, Scope, caller_with, create_key
from dressform.service.service import Service
from dressform.service.settings import ServiceSettings
from dressform.service.training import MIN_CLASSES, MIN_IMAGES

router = APIRouter(prefix=API)


class SignIn(Input):
    """Either what the printed link carries, or a key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    token: Text = ""
    key: Text = ""


class LimitsDocument(Document):
    """What an upload may have (see ``ServiceSettings``), and what a training needs."""

    max_upload: int
    max_image: int
    max_pixels: int
    max_files: int
    max_unpacked: int
    max_images: int
    min_images: int
    min_classes: int


class SessionDocument(Document):
    """Who is signed in; ``csrf`` is null for keys."""

    key_id: str
    name: str
    scope: Scope
    csrf: str | None
    limits: LimitsDocument
    public_url: str | None
    version: str


@router.post("/session")
async def sign_in(
    request: Request, response: Response, body: SignIn, service: HasService
) -> SessionDocument:
    """Begin a session; the cookie that is set is worth what the key is worth."""
    check_origin(request)
    sessions: Sessions = request.app.state.sessions
    secret = body.token or body.key
    if not body.model_fields_set or (body.token and body.key):
        raise ConfigError("the body has to have either token or key; give one of them")
    address = request.client.host if request.client else ""
    if sessions.is_link(secret):
        caller: Caller | None = await run_in_threadpool(_link_caller, service)
    else:
        callers: Callers = request.app.state.callers
        caller = await callers.with_secret(secret)
    if caller is None:
        raise AuthenticationError(
            "the link or key is not valid any more; dressform serve prints a new link when it "
            "starts"
        )
    await run_in_threadpool(_note, service, caller, address)
    cookie = sessions.cookie_for(caller.key_id)
    public = service.settings.public_url or ""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=public.startswith("https:"),
    )
    return await run_in_threadpool(_document, service, caller, sessions.csrf_of(cookie))


@router.get("/session")
def who(request: Request, caller: MayPredict, service: HasService) -> SessionDocument:
    """Who the caller is, and what uploads may have."""
    sessions: Sessions = request.app.state.sessions
    cookie = request.cookies.get(COOKIE)
    by_key = "authorization" in request.headers or cookie is None
    return _document(service, caller, None if by_key else sessions.csrf_of(str(cookie)))


@router.delete("/session", status_code=204)
async def sign_out(caller: MayPredict) -> Response:
    """Forget the session in this browser."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _document(service: Service, caller: Caller, csrf: str | None) -> SessionDocument:
    with service.database.reading() as session:
        key = session.get(Key, caller.key_id)
        name = "" if key is None else key.name
    return SessionDocument(
        key_id=caller.key_id,
        name=name,
        scope=caller.scope,
        csrf=csrf,
        limits=_limits(service.settings),
        public_url=service.settings.public_url,
        version=dressform.__version__,
    )


def _limits(settings: ServiceSettings) -> LimitsDocument:
    limits = {
        name: getattr(settings, name)
        for name in LimitsDocument.model_fields
        if name.startswith("max_")
    }
    return LimitsDocument(**limits, min_images=MIN_IMAGES, min_classes=MIN_CLASSES)


def _note(service: Service, caller: Caller, address: str) -> None:
    with service.database.transaction() as session:
        audit.record(session, caller, "session.create", caller.key_id, address=address)


def _link_caller(service: Service) -> Caller:
    """The oldest admin key of the oldest tenant; a new one where all were revoked."""
    with service.database.transaction() as session:
        tenant = session.scalar(select(Tenant).order_by(Tenant.created, Tenant.id).limit(1))
        if tenant is None:
            raise AuthenticationError("the service has no tenant yet; start it by dressform serve")
        return caller_with(_admin_key(session, tenant))


def _admin_key(session: Session, tenant: Tenant) -> Key:
    query = select(Key).where(
        Key.tenant_id == tenant.id, Key.scope == "admin", Key.revoked.is_(None)
    )
    key = session.scalar(query.order_by(Key.created, Key.id).limit(1))
    return key or create_key(session, tenant.id, "sign-in link", "admin")[0]
