"""`local_server`: one page for the browser on this machine."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from dressform.core.errors import ConfigError


def local_server(page: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of that page and nothing else, reachable from this machine only; ``serve_forever`` runs it.

    Args:
        page: an HTML file; it is read anew for each request.
        port: 0 takes a free one; ``server_port`` says which.

    Raises:
        ConfigError: the port is taken, or not allowed.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            content = page.read_bytes()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class calls it so)
            """Say nothing."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"port {port} cannot be used ({error}); give another --port, or 0 for a free one") from error
