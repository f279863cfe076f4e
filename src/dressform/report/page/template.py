"""`filled`: an HTML file of ``web/`` with its blanks filled in, and `import_map` and `inside_script`, which fill some."""

import base64
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


def filled(name: str, parts: Mapping[str, str]) -> str:
    """The text of ``web/<name>`` with each ``{{part}}`` replaced; ``{{style}}`` is the style sheet of all pages.

    What stands in a part is not looked at again, so it may have double braces of its own.
    """
    web = files("dressform") / "web"
    known = {"style": (web / "style.css").read_text(encoding="utf-8"), **parts}
    first, *pieces = (web / name).read_text(encoding="utf-8").split("{{")
    return first + "".join(known[part] + rest for part, _, rest in (piece.partition("}}") for piece in pieces))


def import_map(*folders: str) -> str:
    """The import map that has all scripts of some folders of ``web/``, ``""`` being itself: "dressform/<path>" for each."""
    found = {}
    for folder in folders:
        for entry in sorted((files("dressform") / "web" / folder).iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".js", ".mjs")):
                name = "/".join(["dressform", *filter(None, [folder]), entry.name])
                found[name] = f"data:text/javascript;base64,{base64.b64encode(entry.read_bytes()).decode()}"
    return json.dumps({"imports": found})


def inside_script(document: Any) -> str:
    """JSON that no browser takes for the end of its script element."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
