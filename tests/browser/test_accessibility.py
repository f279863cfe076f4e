"""Every page that dressform makes, for everybody: axe-core in light and dark colours, narrow
windows, zoom, keyboard, print. No fault is expected to stay.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.page_checks import faults, opened
from tests.data.test_photo import scene
from tests.docs.pages import ROOT
from tests.writers import packed


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation's first page and one with tables and code, as Sphinx makes them."""
    pytest.importorskip("furo", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    kept = "include_patterns=index.md,evaluation.md"
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-Q", "-D", kept, "-b", "html", ROOT / "docs", folder],
        check=True,
    )
    return folder / "index.html"


def first_image(tab: Page) -> None:
    """The dialog of the first image that is shown."""
    tab.locator(".tile:visible").first.click()
    tab.wait_for_selector("dialog[open]")


def selection(tab: Page) -> None:
    """Some points of the projector, and their images."""
    tab.evaluate("dressform.projector.select('some', dressform.projector.visible.slice(0, 12))")
    tab.wait_for_selector("#projector .tile")


def photo(tab: Page) -> None:
    """A photo on the page that classifies."""
    content = packed(scene((200, 40, 50), (210, 205, 195), planks=8)[0], "PNG")
    tab.set_input_files(
        "input[type=file]", {"name": "photo.png", "mimeType": "image/png", "buffer": content}
    )
    tab.wait_for_selector("#results canvas")


Step = Callable[[Page], None]
PAGES: dict[str, tuple[Step | None, Step | None]] = {
    "one": (None, first_image),
    "two": (None, None),
    "tested": (selection, None),
    "doctored": (None, None),
    "explained": (None, None),
    "file": (photo, None),
    "site": (None, None),
}
"""Fixtures that write the pages, each with the steps that show what no other page has."""


@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_left_out(browser: Browser, name: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(name)
    tab = opened(browser, path.as_uri())
    found = faults(tab, *PAGES[name])
    tab.context.close()
    assert not found, "\n".join(found)


FAULTY = """<!doctype html><html lang="en"><head><title>t</title><style>
body { background: #fff } #bare:focus-visible { outline: none } div { break-before: page }
</style></head><body><main><h1>A page</h1>
<p style="color: #bbb; print-color-adjust: exact">faint</p>
<p style="width: 900px">wide</p><p style="font-size: 6px">tiny</p>
<p style="cursor: pointer">a paragraph</p><button id="bare" style="all: unset">bare</button>
<input><span role="button">a role</span><div>second</div><div>third</div></main></body></html>"""


def test_each_check_finds_its_fault(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "faulty.html").write_text(FAULTY, encoding="utf-8")
    tab = opened(browser, (tmp_path / "faulty.html").as_uri())
    found = "\n".join(faults(tab))
    tab.context.close()
    for line in (
        "axe, light: critical label: input",
        "axe, dark: serious color-contrast: p:nth-child(2)",
        '390 px: p "wide" ends at 908 px',
        '1440 px at 200 % zoom: p "wide" ends at',
        '1440 px: p "tiny" has text of 6.0 px',
        'keyboard: p "a paragraph" can be clicked, but not focused',
        'keyboard: button#bare "bare" looks the same with the focus',
        'keyboard: span "a role" is not in the tab order',
        "print: page 2 of 3 is only 1 % filled",
        "print: page 1 of 3: 1 texts with a contrast of 1.9, such as",
    ):
        assert line in found, f"{line}\n\n{found}"
    assert "1024 px: p" not in found.replace('1024 px: p "tiny"', "")
