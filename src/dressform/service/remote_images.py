"""`fetch_image`: an image from a public address, where the operator allows it."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urljoin, urlsplit

from dressform.core.errors import ConfigError, DataError, OutOfTimeError
from dressform.service.errors import ForbiddenError, TooLargeError

MAX_REDIRECTS = 5
MAX_URL = 2_000
SECONDS = 15.0
"""For one image, redirects included."""
REDIRECTS = (301, 302, 303, 307, 308)
PORTS = {"http": 80, "https": 443}
PART = 2**16
NAT64 = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48")


def is_public(address: str, port: int) -> bool:
    """Whether an address belongs to the public internet, and a port to the web.

    Addresses that hold another one (IPv4 in IPv6, 6to4, Teredo, NAT64) could lead anywhere.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and (
        found.ipv4_mapped or found.sixtofour or found.teredo or any(found in net for net in NAT64)
    ):
        return False
    return found.is_global and not found.is_multicast and port in PORTS.values()


def fetch_image(url: str, most: int, *, allows: Callable[[str, int], bool] = is_public) -> bytes:
    """Fetch an image.

    Names are resolved once, and the connection goes to the address that was checked; each redirect
    is checked anew.

    Args:
        url: ``http`` or ``https``.
        most: bytes.
        allows: whether an address (text) and a port may be connected to.

    Raises:
        ConfigError: it is no such URL.
        ForbiddenError: it leads to an address that is not public.
        DataError: nothing is there, or too many redirects.
        TooLargeError: it is too large.
        OutOfTimeError: it takes too long.
    """
    until = time.monotonic() + SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        parsed = _parsed(url)
        connection = _connected(parsed, until, allows)
        try:
            with _shut_down_at(until, connection.sock):
                answer = _asked(connection, parsed)
                if answer.status in REDIRECTS and (place := answer.getheader("Location")):
                    url = urljoin(url, place)
                    continue
                if answer.status != 200:
                    raise DataError(f"{_shown(url)} answers {answer.status} instead of an image")
                return _content(answer, url, most, until)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, TimeoutError) or time.monotonic() >= until:
                raise _late(url) from None
            raise DataError(f"{_shown(url)} cannot be fetched ({error})") from None
        finally:
            connection.close()
    raise DataError(f"{_shown(url)} redirects more than {MAX_REDIRECTS} times")


def _parsed(url: str) -> SplitResult:
    try:
        parsed = urlsplit(url)
        _ = parsed.port
    except ValueError:
        parsed = SplitResult("", "", "", "", "")
    plain = url.isascii() and url.isprintable() and " " not in url
    if len(url) > MAX_URL or parsed.scheme not in PORTS or not parsed.hostname or not plain:
        raise ConfigError(
            f"{_shown(url)} is no URL of an image; allowed: http:// or https://, of at most "
            f"{MAX_URL:,} characters"
        )
    return parsed


def _connected(
    parsed: SplitResult, until: float, allows: Callable[[str, int], bool]
) -> http.client.HTTPConnection:
    host, port = parsed.hostname or "", parsed.port or PORTS[parsed.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DataError(f"{host} cannot be resolved; check the address") from None
    addresses = [str(entry[4][0]) for entry in found]
    # All of them, or a name that also resolves to a private one would get through now and then.
    if not all(allows(address, port) for address in addresses):
        raise ForbiddenError(f"{host}:{port} is no public web address; upload the image instead")
    left = until - time.monotonic()
    if left <= 0:
        raise _late(parsed.geturl())
    try:
        plain = socket.create_connection((addresses[0], port), timeout=left)
        connected = (
            ssl.create_default_context().wrap_socket(
                plain, server_hostname=host, do_handshake_on_connect=False
            )
            if parsed.scheme == "https"
            else plain
        )
    except TimeoutError:
        raise _late(parsed.geturl()) from None
    except OSError as error:
        raise DataError(f"{host} cannot be connected to ({error.strerror or error})") from None
    connection = http.client.HTTPConnection(host, port)
    if port == PORTS[parsed.scheme]:
        connection = http.client.HTTPConnection(host)
    connection.sock = connected
    return connection


@contextmanager
def _shut_down_at(until: float, connected: socket.socket) -> Iterator[None]:
    """Shut a connection down at that time: its own timeout begins anew with every byte."""

    def shut_down() -> None:
        with contextlib.suppress(OSError):
            # not that of SSL, which another thread is reading
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, until - time.monotonic()), shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _asked(connection: http.client.HTTPConnection, parsed: SplitResult) -> http.client.HTTPResponse:
    if isinstance(connection.sock, ssl.SSLSocket):
        connection.sock.do_handshake()
    path = parsed.path or "/"
    target = f"{path}?{parsed.query}" if parsed.query else path
    connection.request("GET", target, headers={"User-Agent": "dressform", "Accept": "image/*"})
    return connection.getresponse()


def _content(answer: http.client.HTTPResponse, url: str, most: int, until: float) -> bytes:
    parts, size = list[bytes](), 0
    while True:
        part = answer.read1(PART)
        if time.monotonic() >= until:
            raise _late(url)
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > most:
            raise TooLargeError(f"{_shown(url)} has more than {most:,} bytes, which is the limit")
        parts.append(part)


def _late(url: str) -> OutOfTimeError:
    return OutOfTimeError(f"{_shown(url)} did not arrive within {SECONDS:g} seconds")


def _shown(url: str) -> str:
    return url if len(url) <= 200 else f"{url[:199]}…"
