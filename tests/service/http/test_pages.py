"""The page's files: their addresses, headers and policy."""

import asyncio
import re
from importlib.resources import files

import httpx
import pytest
from fastapi import FastAPI

from dressform.service.http.pages import POLICY, router

app = FastAPI()
app.include_router(router)


def get(path: str, known: str = "") -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers={"If-None-Match": known})

    return asyncio.run(asked())


def test_the_shell_has_nothing_inline_and_may_not_be_framed() -> None:
    answer = get("/")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    assert "{{" not in answer.text
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert re.search(r"<script(?![^>]*\ssrc=)", answer.text) is None
    assert re.search(r"\son\w+=", answer.text) is None
    assert re.search(r"https?://", answer.text) is None


def test_every_script_that_the_page_imports_is_served_for_good() -> None:
    shell = get("/").text
    waiting = re.findall(r'(?:src|href)="(/static/[^"]+)"', shell)
    seen: set[str] = set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        kind = "text/css" if address.endswith(".css") else "text/javascript"
        assert answer.headers["content-type"].startswith(kind)
        waiting += re.findall(r'^(?:import|}).* from "(/[^"]+)"', answer.text, re.M)
    assert sum(address.endswith(".js") for address in seen) > 25
    ours = {entry.name for entry in (files("dressform") / "web" / "service").iterdir()}
    served = {address.rsplit("/", 1)[1] for address in seen if "/service/" in address}
    assert {name for name in ours if name.endswith((".js", ".css"))} == served


def test_a_known_file_is_not_sent_again() -> None:
    first = get("/")
    tag = first.headers["etag"]
    again = get("/", f'W/{tag}, "other"')
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["content-security-policy"] == POLICY
    assert get("/", '"other"').status_code == 200


@pytest.mark.parametrize(
    "path",
    ["main.py", "../http/pages.py", "%2e%2e/style.css", "service/index.html", "", "head.html"],
)
def test_only_the_page_s_files_are_served(path: str) -> None:
    static = re.findall(r'"(/static/\w+/)', get("/").text)[0]
    answer = get(static + path)
    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_of_another_version_is_told_to_reload() -> None:
    answer = get("/static/0123456789abcdef/style.css")
    assert answer.status_code == 404
    assert "reload the page" in answer.text
    assert answer.headers["cache-control"] == "no-store"
