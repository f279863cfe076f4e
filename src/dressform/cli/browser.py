"""`open_in_browser`: show a page that was just written."""

import webbrowser
from pathlib import Path

from dressform.cli.output import say


def open_in_browser(page: Path) -> None:
    """Open a page in the user's browser: the one that ``BROWSER`` names, or the system's."""
    address = page.resolve().as_uri()
    if not webbrowser.open(address):
        say(f"note: no browser was found; open {address}")
