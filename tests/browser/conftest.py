"""A real Chromium. Without one the tests of pages are skipped; .ci/run installs it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    names = (
        [named]
        if named
        else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    )
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        if "CHROMIUM" in os.environ:
            pytest.fail(
                f"CHROMIUM names {os.environ['CHROMIUM']}, which is not there; install it, or "
                f"name another"
            )
        pytest.skip("no Chromium; install the package chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page, what it asked the network for, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url.partition(":")[0]))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.hear(message.type, message.text))

    def hear(self, kind: str, text: str) -> None:
        """Errors and warnings of the page; the graphics driver's remarks about its own speed are
        none.
        """
        if kind in ("error", "warning") and "GL Driver Message" not in text:
            self.faults.append(text)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """Fails at the end if the page had errors, or asked for anything that is not in its own
    file.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True, offline=True
    )
    found = Watched(context.new_page())
    yield found
    context.close()
    assert found.faults == []
    assert set(found.asked) <= {"file", "data", "blob"}
    assert found.asked.count("file") <= 1
