"""`filled`: an HTML file of ``web/`` with its blanks filled in."""

from collections.abc import Mapping
from importlib.resources import files


def filled(name: str, parts: Mapping[str, str]) -> str:
    """The text of ``web/<name>`` with each ``{{part}}`` replaced; ``{{style}}`` is the style sheet of all pages.

    What stands in a part is not looked at again, so it may have double braces of its own.
    """
    web = files("dressform") / "web"
    known = {"style": (web / "style.css").read_text(encoding="utf-8"), **parts}
    first, *pieces = (web / name).read_text(encoding="utf-8").split("{{")
    return first + "".join(known[part] + rest for part, _, rest in (piece.partition("}}") for piece in pieces))
