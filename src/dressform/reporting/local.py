"""`local_server`: one page for the browser on this machine."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dressform.core.errors import ConfigError

TIMEOUT = 10.0
"""Seconds that a client may be silent."""
MAX_CLIENTS = 16
"""Clients served at once; others are turned away."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.BoundedSemaphore(MAX_CLIENTS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent: the client went away."""


def local_server(page: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server for one page, reachable from this machine only; ``serve_forever`` runs it.

    A client that breaks off or stays silent blocks one of ``MAX_CLIENTS`` connections for at most
    ``TIMEOUT`` seconds.

    Args:
        page: an HTML file; it is read again for each request.
        port: 0 takes a free one, which ``server_port`` holds.

    Raises:
        ConfigError: the port is taken, or not allowed.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT

        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if (
                self.path.partition("?")[0] != "/"
                or host not in ("127.0.0.1", "localhost")
                or not page.is_file()
            ):
                # another host name that leads here means that another site's page is asking
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            content = page.read_bytes()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            # the page itself has the rest of the policy
            self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815  (the base class's name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            """Be silent."""

    try:
        return _Server(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"port {port} cannot be used ({error}); give another port=, or 0 for a free one"
        ) from error
