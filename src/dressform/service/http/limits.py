"""`Limits`: bodies that are too large, too slow or too many end while they arrive."""

import asyncio

from fastapi import HTTPException, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dressform.core.errors import DressformError
from dressform.service.http.auth import authenticate
from dressform.service.http.errors import headers_of, status_of
from dressform.service.settings import ServiceSettings

MAX_JSON = 4 * 2**20
"""Bytes of a body of the native protocol that is no upload."""
MAX_SIGN_IN = 16 * 2**10
"""Bytes of a body that anybody may send."""
NATIVE, SIGN_IN = "/api/v1/", "/api/v1/session"
UPLOADS = ("/images", "/images/zip", "/labels.csv", "/predict")
"""How the paths of the native protocol end that take files."""
ROOM_FOR_PARTS = 64 * 2**10
"""Bytes that the boundaries and headers of a multipart body may take besides."""
UPLOADS_AT_ONCE = 4
"""Bodies of the largest size that may arrive at one time."""


class Limits:
    """Middleware that bounds the bodies of requests: their bytes, their time, and all together.

    Args:
        app: what answers.
        settings: the limits.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app, self._settings = app, settings
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "transfer-encoding" not in headers and headers.get("content-length", "0") == "0":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._most(scope["path"]), self._settings.request_timeout)
        room = UPLOADS_AT_ONCE * self._settings.max_upload
        known = False

        async def limited() -> Message:
            nonlocal known
            size = body.size
            if not known:
                await _check_key(scope)
                known = True
            try:
                # Declared sizes are looked at when the body is read, so that an error of
                # authentication comes first.
                body.check_declared(headers.get("content-length", "0"))
                return await body.receive()
            finally:
                self._arriving += body.size - size
                if self._arriving > room and body.size > MAX_JSON:
                    raise HTTPException(
                        503, "other uploads are arriving; try again later", {"Retry-After": "5"}
                    )

        try:
            await self._app(scope, limited, send)
        finally:
            self._arriving -= body.size

    def _most(self, path: str) -> int:
        if path == SIGN_IN:
            return MAX_SIGN_IN
        if path.startswith(NATIVE) and not path.endswith(UPLOADS):
            return MAX_JSON
        return self._settings.max_upload + ROOM_FOR_PARTS


async def _check_key(scope: Scope) -> None:
    """Refuse a body of the native protocol before it is read: the framework parses JSON first and
    asks for the key then. The other protocols ask before they read.

    Raises:
        HTTPException: there is no valid key.
    """
    path = scope["path"]
    if path == SIGN_IN or not path.startswith(NATIVE):
        return
    try:
        await authenticate(Request(scope), "predict")
    except DressformError as error:
        raise HTTPException(status_of(error), str(error), headers_of(error, path)) from None


class _Body:
    """A body that arrives.

    Args:
        receive: of the server.
        most: bytes.
        seconds: from now on.

    Attributes:
        size: bytes that have arrived.
    """

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most, self._seconds = receive, most, seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self._whole = False
        self.size = 0

    def check_declared(self, length: str) -> None:
        """Refuse a body that declares more bytes than are allowed."""
        if length.isdecimal() and int(length) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next part, or the end of the connection."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(
                408, f"the body did not arrive within {self._seconds:g} seconds; send less at once"
            ) from None
        if message["type"] == "http.request":
            self.size += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self.size > self._most:
                raise self._too_large()
        return message

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413, f"the body has more than {self._most:,} bytes, which is the limit; send less"
        )
