"""Errors as answers: each has one status, and a JSON document with one line."""

import errno
import logging
import reprlib
from collections.abc import Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from dressform.core.errors import DressformError, ResourceError
from dressform.core.text import one_line
from dressform.service.errors import (
    FULL,
    AuthenticationError,
    BusyError,
    ConflictError,
    ForbiddenError,
    FullError,
    NotFoundError,
    TooLargeError,
    UnansweredError,
    disk_error,
)

logger = logging.getLogger(__name__)

NANONETS = "/api/v2/ImageCategorization/"
STATUSES: dict[type[DressformError], int] = {
    AuthenticationError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    TooLargeError: 413,
    BusyError: 429,
    FullError: 507,
    ResourceError: 503,
}
"""The first that fits counts; whatever else cannot be used is 422."""
UNANSWERED = "the database does not answer; try again later"
"""What clients are told; the log has the reason."""
RETRIED = {503: 5, 507: 60}
"""Seconds after which to try again, by status."""
DISK = (*FULL, errno.EROFS, errno.EIO, errno.ESTALE)
"""What the system says where the disk is at fault, not the service."""


def status_of(error: DressformError) -> int:
    """The HTTP status that stands for an error."""
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 422)


def headers_of(error: DressformError, path: str = "") -> dict[str, str]:
    """Headers that go with an error: when to try again, how to sign in."""
    if isinstance(error, BusyError):
        return {"Retry-After": str(error.retry_after)}
    if status_of(error) in RETRIED:
        return {"Retry-After": str(RETRIED[status_of(error)])}
    if isinstance(error, AuthenticationError):
        # A browser would ask for a name and a password where Basic is offered to its page.
        scheme = "Bearer" if path.startswith("/api/v1/") else "Basic"
        return {"WWW-Authenticate": f'{scheme} realm="dressform"'}
    return {}


def error_response(
    request: Request, status: int, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error in the form of the protocol that was spoken."""
    message = one_line(message)
    document: dict[str, object] = {"error": message}
    if request.url.path.startswith(NANONETS):
        document = {"code": status, "message": message, "errors": [{"message": message}]}
    return JSONResponse(document, status, dict(headers or {}))


def add_error_handlers(app: FastAPI) -> None:
    """Have every error of a request answered in one line."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, DressformError)
        status = status_of(error)
        if status >= 500:
            logger.error(str(error))
        message = UNANSWERED if isinstance(error, UnansweredError) else str(error)
        return error_response(request, status, message, headers_of(error, request.url.path))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = str(error.detail)
        if error.status_code == 404 and message == "Not Found":
            message = f"there is nothing at {request.url.path}; /openapi.json lists all addresses"
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_methods(request)))
            message = (
                f"{request.method} is not allowed at {request.url.path}; allowed: "
                f"{headers['Allow']}"
            )
        return error_response(request, error.status_code, message, headers)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        malformed = first["type"] == "json_invalid"
        return error_response(request, 400 if malformed else 422, _invalid(first))

    async def collided(request: Request, error: Exception) -> JSONResponse:
        return error_response(
            request, 409, "another request changed the same thing at this moment; try again"
        )

    async def disk(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, OSError)
        if error.errno not in DISK:
            raise error
        return await ours(request, disk_error("the storage does not answer", error))

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return error_response(
            request, 500, "an error of the service itself; its log has more, please report it"
        )

    app.add_exception_handler(DressformError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(IntegrityError, collided)
    app.add_exception_handler(OSError, disk)
    app.add_exception_handler(Exception, unexpected)


def _methods(request: Request) -> set[str]:
    """The methods that some route has for the path of a request."""
    routes: Sequence[BaseRoute] = request.app.state.routes
    return {
        method
        for route in routes
        if isinstance(route, Route) and route.path_regex.match(request.url.path)
        for method in route.methods or ()
    }


def _invalid(error: Mapping[str, object]) -> str:
    """What is wrong with a field, in one line."""
    place = error["loc"]
    assert isinstance(place, tuple)
    kind, *names = place
    message = str(error["msg"])
    if error["type"] == "json_invalid":
        return f"the body is no valid JSON ({_json_reason(error)}); send one JSON document"
    where = ".".join(str(name) for name in names) or f"the {kind}"
    if kind == "body" and not names and isinstance(error.get("input"), bytes):
        return "the body is not declared as JSON; send Content-Type: application/json"
    if error["type"] == "extra_forbidden":
        return f"{where} is not known here; leave it out"
    if error["type"] == "missing":
        what = "the body" if kind == "body" and not names else f"{where} ({kind})"
        return f"{what} is missing; add it"
    return f"{where}: {message[:1].lower()}{message[1:]}, not {_short(error.get('input'))}"


def _json_reason(error: Mapping[str, object]) -> str:
    context = error.get("ctx")
    return str(context.get("error")) if isinstance(context, Mapping) else "it cannot be read"


def _short(value: object) -> str:
    """A value as Python writes it, without writing all of a large one."""
    if isinstance(value, bytes):
        value = value[:200].decode(errors="replace")
    text = repr(value[:200]) if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
