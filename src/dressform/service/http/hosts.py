"""`Hosts`: which Host headers name this service, and the headers that every answer carries."""

import ipaddress
import json
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "no-store",
}
"""Of every answer that has no other value of its own."""


class Hosts:
    """Middleware that refuses requests to another name than the service's.

    A page of somebody else could have its own name point to this machine (DNS rebinding), and would
    be of one origin with the service then. Addresses cannot be used for that.

    Args:
        app: what answers.
        public_url: of the service, behind a proxy.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self._app = app
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own.partition('.')[0]}.local"}
        if public_url is not None:
            self._names.add((urlsplit(public_url).hostname or "").lower())
        self._known: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if host not in self._known:
            if not self.is_own(host):
                await _refuse(send_with_headers, host)
                return
            if len(self._known) < 100:
                self._known.add(host)
        await self._app(scope, receive, send_with_headers)

    def is_own(self, host: str) -> bool:
        """Whether a Host header names this service."""
        try:
            parsed = urlsplit(f"//{host}")
            name, _ = (parsed.hostname or "").rstrip("."), parsed.port
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


async def _refuse(send: Send, host: str) -> None:
    message = (
        f"the Host header is {host[:100]!r}, which is no name of this service; use its address, or "
        f"start it with public_url="
    )
    body = json.dumps({"error": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
