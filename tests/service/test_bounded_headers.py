"""Clients that send headers too slowly, or without end."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from dressform.service.bounded_headers import BoundedHeaders
from tests.service.ending import ends

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


class Hasty(BoundedHeaders):
    seconds = 0.4


async def app(scope, receive, send):  # type: ignore[no-untyped-def]
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"got " + body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(
        app, port=0, http=Hasty, log_config=None, lifespan="off", timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    ends(thread)


@pytest.mark.parametrize("first", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
def test_a_request_that_does_not_come_ends(port: int, first: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        began = time.monotonic()
        client.sendall(first)
        assert client.recv(100) == b""
        assert 0.2 < time.monotonic() - began < 5


def test_headers_without_end(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        lines = b"".join(b"A%06d: " % n + b"a" * 1000 + b"\r\n" for n in range(10_000))
        with pytest.raises(ConnectionError):
            client.sendall(lines)


def test_a_slow_body_has_waiting_job_and_the_connection_is_used_again(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for _ in range(2):
            client.sendall(REQUEST + b"ab")
            time.sleep(0.6)
            client.sendall(b"cd")
            answer = client.recv(1000)
            while not answer.endswith(b"got abcd\r\n0\r\n\r\n"):
                answer += client.recv(1000)
