"""`filled`: an HTML file of ``web/`` with its placeholders replaced; `import_map` and
`inside_script` make the text of some.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files

from dressform.runs.manifest import packages


def filled(name: str, parts: Mapping[str, str]) -> str:
    """The text of ``web/<name>`` with each ``{{part}}`` replaced.

    ``{{style}}`` (the style sheet), ``{{head}}`` (what all heads share) and ``{{version}}``
    (dressform's) need not be given. Parts are not searched for placeholders, so they may contain
    double braces.
    """
    web = files("dressform") / "web"
    common = {
        "version": html.escape(packages().get("dressform", "")),
        "style": (web / "style.css").read_text(encoding="utf-8"),
    }
    page = (web / name).read_text(encoding="utf-8")
    head = (web / "head.html").read_text(encoding="utf-8")
    scripts = "".join(
        re.findall(r"<script(?: type=\"(?:module|importmap)\")?>.*?</script>", page, re.S)
    )
    scripts = _replaced(scripts, {**common, **parts})
    common["head"] = _replaced(head, {**common, "policy": content_security_policy(scripts)})
    return _replaced(page, {**common, **parts})


def content_security_policy(scripts: str) -> str:
    """The content security policy of a page: nothing is fetched from anywhere, and only the page's
    own scripts run.

    Args:
        scripts: the text of the page's own script elements. Modules and data are ``data:``
            addresses, ONNX Runtime is WebAssembly. A script element that was smuggled in through a
            name has a different hash, so it does not run.
    """
    texts = re.findall(r"<script[^>]*>(.*?)</script>", scripts, re.S)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in texts
    )
    run = (
        f"script-src {hashes} data: blob: 'wasm-unsafe-eval'; connect-src data: blob:; worker-src "
        f"blob:; "
        if texts
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
    """The import map of all scripts in some folders of ``web/`` (``""`` is ``web/`` itself): each
    is called "dressform/<path>". Comments are left out, a third of our scripts.
    """
    imports = {}
    for folder in folders:
        for entry in sorted(
            (files("dressform") / "web" / folder).iterdir(), key=lambda entry: entry.name
        ):
            if entry.name.endswith((".js", ".mjs")):
                name = "/".join(["dressform", *filter(None, [folder]), entry.name])
                text = entry.read_text(encoding="utf-8")
                if entry.name.endswith(".js"):  # others are not ours, and keep their licences
                    text = without_comments(text)
                script = base64.b64encode(text.encode()).decode()
                imports[name] = f"data:text/javascript;base64,{script}"
    return json.dumps({"imports": imports})


_COMMENT_LINES = re.compile(
    r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL
)


def without_comments(script: str) -> str:
    """A script of ours without the comments that have lines of their own; a cast at the start of a
    line stays.
    """
    return _COMMENT_LINES.sub("", script)


def inside_script(document: object) -> str:
    """JSON in which no browser sees the end of its script element."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
