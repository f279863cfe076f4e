"""Load on a server: connections that post one body after another, without a client library.

python benchmarks/http_load.py PORT JOB.json

JOB.json has ``path``, ``headers``, ``bodies`` (files), ``connections`` and ``seconds`` or
``requests``; one line of JSON is printed. With ``rate``, so many requests a second are sent,
whether or not earlier ones were answered, and each one's time counts from when it was due. The
client shares the machine's cores with the server, so it does no more than it must.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Load:
    """What happened.

    Attributes:
        seconds: of each answered request.
        statuses: how often each status came; 0 for a connection that broke.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: "Counter[int]" = field(default_factory=Counter)


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._data = b""
        self._answer: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        fields = head.lower()
        begin = fields.index(b"content-length:") + 15
        length = int(fields[begin:].partition(b"\r")[0])
        if len(rest) >= length and self._answer is not None and not self._answer.done():
            self._data = b""
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """The server has closed it."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)

    async def send(self, request: bytes) -> int:
        """The status of the answer; 0 if the connection broke."""
        assert self.transport is not None
        if self.transport.is_closing():
            return 0
        self._answer = self._loop.create_future()
        self.transport.write(request)
        return await self._answer


async def run(port: int, job: dict[str, object], requests: list[bytes]) -> dict[str, object]:
    """Send them until the time or the number is reached."""
    load, loop = Load(), asyncio.get_running_loop()
    connections, seconds = int(str(job["connections"])), float(str(job.get("seconds", 0)))
    left, rate = int(str(job.get("requests", 0))), float(str(job.get("rate", 0)))
    began = time.perf_counter()

    async def client(number: int) -> None:
        nonlocal left
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        count = number
        while left > 0 if seconds == 0 else time.perf_counter() - began < seconds:
            left -= 1
            count += connections
            sent = time.perf_counter()
            if rate:
                due = began + (count - connections) / rate
                await asyncio.sleep(max(0.0, due - sent))
                sent = due
            status = await connection.send(requests[count % len(requests)])
            load.statuses[status] += 1
            load.seconds.append(time.perf_counter() - sent)
            if status == 0:
                _, connection = await loop.create_connection(Connection, "127.0.0.1", port)

    await asyncio.gather(*map(client, range(connections)))
    elapsed, times = time.perf_counter() - began, sorted(load.seconds)
    good = load.statuses[200]
    return {
        "requests": len(times),
        "errors": len(times) - good,
        "statuses": {str(status): count for status, count in sorted(load.statuses.items())},
        "per_second": good / elapsed,
        "p50_ms": 1000 * times[len(times) // 2],
        "p99_ms": 1000 * times[int(len(times) * 0.99)],
        "max_ms": 1000 * times[-1],
        "client_cpu": time.process_time() / elapsed,
    }


def main() -> None:
    """Read the job, and print what happened."""
    job = json.loads(Path(sys.argv[2]).read_text())
    head = "".join(f"{name}: {value}\r\n" for name, value in job["headers"].items())
    requests = []
    for file in job["bodies"]:
        body = Path(file).read_bytes()
        line = f"POST {job['path']} HTTP/1.1\r\nHost: 127.0.0.1:{sys.argv[1]}\r\n"
        requests.append(f"{line}{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    print(json.dumps(asyncio.run(run(int(sys.argv[1]), job, requests))))


if __name__ == "__main__":
    main()
