"""`Server`: uvicorn with a socket that listens before the address is told, and a graceful end."""

import contextlib
import gc
import socket
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from dressform.core.errors import ConfigError
from dressform.service.bounded_headers import BoundedHeaders
from dressform.service.settings import ServiceSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE = 10
"""Seconds that requests have to end after the server was told to stop."""
BACKLOG = 2048
CONNECTIONS = 800
"""At one time; others get 503. Below the 1,024 files that a process may usually open."""


@contextlib.contextmanager
def listen(settings: ServiceSettings) -> Iterator[socket.socket]:
    """A socket that listens on the host and port of the settings.

    Raises:
        ConfigError: it cannot, such as because the port is taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            connection.bind((settings.host, settings.port))
            connection.listen(BACKLOG)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; give "
                f"another host= or port="
            ) from None
        yield connection


def address_of(connection: socket.socket) -> str:
    """The URL by which this machine reaches a socket that listens."""
    host, port = connection.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"


class Server(uvicorn.Server):
    """Answers requests until SIGINT or SIGTERM, which it hands on when it has stopped.

    Args:
        app: of the service; ``app.state.events.close()`` ends the streams that would wait for ever.
        proxied: whether a proxy on this machine tells the clients' addresses.
    """

    def __init__(self, app: "FastAPI", *, proxied: bool = False) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHeaders,
                limit_concurrency=CONNECTIONS,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=proxied,
                lifespan="on",
                timeout_graceful_shutdown=GRACE,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # a tenth of a second for each look at what was imported would hold up answers

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop."""
        self._app.state.events.close()
        super().handle_exit(sig, frame)
