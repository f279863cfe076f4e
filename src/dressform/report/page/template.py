"""`filled`: an HTML file of ``web/`` with its blanks filled in, and `import_map` and
`inside_script`, which fill some.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from dressform.runs.manifest import packages


def filled(name: str, parts: Mapping[str, str]) -> str:
    """The text of ``web/<name>`` with each ``{{part}}`` replaced.

    All pages have ``{{style}}``, the style sheet, ``{{head}}``, what their heads share, and
    ``{{version}}``, dressform's. What stands in a part is not looked at again, so it may have
    double braces of its own.
    """
    web = files("dressform") / "web"
    known = {
        "version": html.escape(packages().get("dressform", "")),
        "style": (web / "style.css").read_text(encoding="utf-8"),
    }
    body, head = (
        (web / name).read_text(encoding="utf-8"),
        (web / "head.html").read_text(encoding="utf-8"),
    )
    scripts = "".join(
        re.findall(r"<script(?: type=\"(?:module|importmap)\")?>.*?</script>", body, re.S)
    )
    scripts = _replaced(scripts, {**known, **parts})
    known["head"] = _replaced(head, {**known, "policy": policy(scripts)})
    return _replaced(body, {**known, **parts})


def policy(scripts: str) -> str:
    """The content-security policy of a page: nothing is fetched from anywhere, and no script runs
    but those that are its own.

    Args:
        scripts: the text of the page's own script elements. Modules and data come as ``data:``
            addresses, ONNX Runtime is WebAssembly; an element that a name of somebody's smuggled in
            has another hash, and no other place to call.
    """
    found = re.findall(r"<script[^>]*>(.*?)</script>", scripts, re.S)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in found
    )
    run = (
        f"script-src {hashes} data: blob: 'wasm-unsafe-eval'; connect-src data: blob:; worker-src "
        f"blob:; "
        if found
        else ""
    )
    return (
        f"default-src 'none'; {run}style-src 'unsafe-inline'; img-src data: blob:; base-uri "
        f"'none'; form-action 'none'"
    )


def _replaced(text: str, parts: Mapping[str, str]) -> str:
    first, *pieces = text.split("{{")
    return first + "".join(
        parts[part] + rest for part, _, rest in (piece.partition("}}") for piece in pieces)
    )


def import_map(*folders: str) -> str:
    """The import map that has all scripts of some folders of ``web/``, ``""`` being itself:
    "dressform/<path>" for each.
    """
    found = {}
    for folder in folders:
        for entry in sorted(
            (files("dressform") / "web" / folder).iterdir(), key=lambda entry: entry.name
        ):
            if entry.name.endswith((".js", ".mjs")):
                name = "/".join(["dressform", *filter(None, [folder]), entry.name])
                found[name] = (
                    f"data:text/javascript;base64,{base64.b64encode(entry.read_bytes()).decode()}"
                )
    return json.dumps({"imports": found})


def inside_script(document: Any) -> str:
    """JSON that no browser takes for the end of its script element."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
