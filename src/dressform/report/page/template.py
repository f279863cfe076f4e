"""`filled`: an HTML file of ``web/`` with its blanks filled in, and `import_map` and `inside_script`, which fill some."""

import base64
import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from dressform.runs.manifest import packages


def filled(name: str, parts: Mapping[str, str]) -> str:
    """The text of ``web/<name>`` with each ``{{part}}`` replaced.

    All pages have ``{{style}}``, the style sheet, ``{{head}}``, what their heads share, and ``{{version}}``, dressform's.
    What stands in a part is not looked at again, so it may have double braces of its own.
    """
    web = files("dressform") / "web"
    known = {"version": html.escape(packages().get("dressform", "")), "style": (web / "style.css").read_text(encoding="utf-8")}
    known["head"] = _replaced((web / "head.html").read_text(encoding="utf-8"), known)
    return _replaced((web / name).read_text(encoding="utf-8"), {**known, **parts})


def _replaced(text: str, parts: Mapping[str, str]) -> str:
    first, *pieces = text.split("{{")
    return first + "".join(parts[part] + rest for part, _, rest in (piece.partition("}}") for piece in pieces))


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
