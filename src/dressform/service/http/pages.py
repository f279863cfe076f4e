"""The service's page: one HTML shell, and the scripts and style sheets that it loads.

Scripts name each other ``dressform/<path>`` as on the other pages. Those have an import map inside,
which a policy without inline scripts forbids; here the names become addresses. An address has the
digest of all files in it, so a browser keeps them for good, and an upgrade loads new ones.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

router = APIRouter(include_in_schema=False)

FOLDERS = ("", "service", "classify")
"""Folders of ``web/`` whose scripts and style sheets are served."""
MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
KEPT = "public, max-age=31536000, immutable"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Site:
    """The page's files, ready to send.

    Attributes:
        digest: of all files together, 16 hexadecimal digits.
        shell: the HTML document.
        contents: of each file, by its path below ``/static/<digest>/``.
    """

    digest: str
    shell: bytes
    contents: dict[str, bytes]


@cache
def site() -> Site:
    """Read the files of the package, once."""
    web = files("dressform") / "web"
    raw = {
        "/".join(filter(None, (folder, entry.name))): entry.read_bytes()
        for folder in FOLDERS
        for entry in _served(web / folder if folder else web)
    }
    shell = (web / "service" / "index.html").read_bytes()
    summed = hashlib.sha256(shell)
    for path, content in sorted(raw.items()):
        summed.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    digest = summed.hexdigest()[:16]
    static = f"/static/{digest}/".encode()
    contents = {
        path: re.sub(rb'"dressform/(?=[\w/]+\.js")', b'"' + static, content)
        if path.endswith(".js")
        else content
        for path, content in raw.items()
    }
    return Site(digest, shell.replace(b"{{static}}", static), contents)


def _served(folder: Traversable) -> list[Traversable]:
    found = [entry for entry in folder.iterdir() if entry.name.endswith(tuple(MEDIA_TYPES))]
    return sorted(found, key=lambda entry: entry.name)


@router.get("/")
def shell(request: Request) -> Response:
    """The page. What it shows is after the ``#`` of its address."""
    return _answer(request, site().shell, "text/html; charset=utf-8", "no-cache")


@router.get("/static/{digest}/{path:path}")
def static(request: Request, digest: str, path: str) -> Response:
    """A script or style sheet.

    Names are looked up in a table, never on the disk. A page that was open during an upgrade asks
    for the digest of before; it gets 404 and says that it is to be reloaded.
    """
    content = site().contents.get(path) if digest == site().digest else None
    if content is None:
        return PlainTextResponse(
            f"there is no file {path!r} in this version; reload the page",
            404,
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
        )
    return _answer(request, content, MEDIA_TYPES[path[path.rindex(".") :]], KEPT)


def _answer(request: Request, content: bytes, media_type: str, cache_control: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {**HEADERS, "ETag": tag, "Cache-Control": cache_control}
    known = {one.strip().removeprefix("W/") for one in _header(request).split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _header(request: Request) -> str:
    return request.headers.get("if-none-match", "")
