"""`write_page`: a document and its data become one HTML file that needs nothing else."""

import base64
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from dressform.core.files import write_text
from dressform.report.page.blobs import Blob
from dressform.report.page.template import filled


def write_page(path: Path, document: dict[str, Any], blobs: Sequence[Blob]) -> None:
    """Write the page, atomically.

    Args:
        path: of the HTML file.
        document: ``title``, ``version`` (of dressform) and what ``web/main.js`` reads.
        blobs: its data.
    """
    web = files("dressform") / "web"
    modules = {
        f"dressform/{entry.name}": f"data:text/javascript;base64,{base64.b64encode(entry.read_bytes()).decode()}"
        for entry in sorted(web.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".js")
    }
    parts = {
        "version": html.escape(document["version"]),
        "title": html.escape(document["title"]),
        "document": _inside_script(json.dumps(document, ensure_ascii=False, allow_nan=False)),
        "blobs": "\n".join(blob.html() for blob in blobs),
        "importmap": json.dumps({"imports": modules}),
    }
    write_text(path, filled("page.html", parts))


def _inside_script(text: str) -> str:
    """JSON that no browser takes for the end of its script element."""
    return text.replace("<", "\\u003c")
