"""`write_page`: a document and its data become one HTML file that needs nothing else."""

import html
from collections.abc import Sequence
from pathlib import Path

from dressform.core.files import write_text
from dressform.reporting.page.blobs import Blob
from dressform.reporting.page.schema import DoctorDocument, ReportDocument
from dressform.reporting.page.template import filled, import_map, inside_script


def write_page(
    path: Path, document: ReportDocument | DoctorDocument, blobs: Sequence[Blob]
) -> None:
    """Write the page, atomically.

    Args:
        path: the HTML file.
        document: what ``web/main.js`` reads.
        blobs: its data.

    Raises:
        OSError: the file cannot be written.
    """
    parts = {
        "title": html.escape(document["title"]),
        "document": inside_script(document),
        "blobs": "\n".join(blob.html() for blob in blobs),
        "importmap": import_map(""),
    }
    write_text(path, filled("page.html", parts))
