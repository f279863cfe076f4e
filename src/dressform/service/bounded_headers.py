"""`BoundedHeaders`: uvicorn's HTTP protocol, with a limit for the headers of a request."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 20.0
"""Within which the headers of a request have to be there."""
MAX_BYTES = 64 * 2**10
"""Of the headers of a request."""
MAX_JOINED = 16 * 2**10
"""Bytes that are not held back."""


class JoinedWrites:
    """A transport that sends what is written in one turn of the event loop at once.

    uvicorn writes the headers and the body of an answer one after the other; each would be a call
    of the system, and a packet.

    Args:
        transport: of a connection.
        loop: in which it runs.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send soon."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        if len(data) > MAX_JOINED:
            self.flush()

    def flush(self) -> None:
        """Send now."""
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        """Send, and close."""
        self.flush()
        self._transport.close()


class BoundedHeaders(HttpToolsProtocol):
    """Closes a connection whose request does not come, or has headers without end.

    uvicorn itself waits for ever, so a client that sends a byte now and then could hold all
    connections. Bodies have limits of their own, where the app reads them.
    """

    seconds = SECONDS
    _timer: asyncio.TimerHandle | None = None
    _bytes = 0
    _in_headers = _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self.loop)))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A part of a request has arrived."""
        super().data_received(data)
        if self._in_headers:
            self._bytes += len(data)
            if self._bytes > MAX_BYTES:
                self.transport.close()
        elif not self._in_body and (self.cycle is None or self.cycle.response_complete):
            self._wait()  # empty lines end uvicorn's own wait for the next request

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_headers, self._bytes = True, 0
        self._wait()

    def on_headers_complete(self) -> None:
        """The headers are there."""
        super().on_headers_complete()
        self._in_headers, self._in_body = False, True
        self._stop()

    def on_message_complete(self) -> None:
        """The body is there."""
        super().on_message_complete()
        self._in_body = False

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
