"""`write_page`: a document and its data become one HTML file that needs nothing else."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dressform.core.files import write_text
from dressform.report.page.blobs import Blob
from dressform.report.page.template import filled, import_map, inside_script


def write_page(path: Path, document: dict[str, Any], blobs: Sequence[Blob]) -> None:
    """Write the page, atomically.

    Args:
        path: of the HTML file.
        document: ``title``, ``version`` (of dressform) and what ``web/main.js`` reads.
        blobs: its data.
    """
    parts = {
        "title": html.escape(document["title"]),
        "document": inside_script(document),
        "blobs": "\n".join(blob.html() for blob in blobs),
        "importmap": import_map(""),
    }
    write_text(path, filled("page.html", parts))
