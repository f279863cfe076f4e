"""Chromium without a window, as every measurement of a page uses it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-unsafe-swiftshader",
]


@contextmanager
def chromium(path: str | None = None) -> Iterator[Browser]:
    """A running browser: the one that is named, or Debian's ``chromium``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path or shutil.which("chromium"), args=FLAGS
        )
        yield browser
        browser.close()


def opened(
    browser: Browser, address: str, width: int = 1440, height: int = 900, **options: Any
) -> Page:
    """A page that is ready: every section is there."""
    tab = browser.new_page(viewport={"width": width, "height": height}, **options)
    tab.goto(address)
    tab.wait_for_selector("html[data-ready]", timeout=120_000)
    return tab
