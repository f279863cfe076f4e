"""`write_runs_page`: the table of all runs as one HTML file, linked to their reports."""

import html
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from dressform.core.errors import ResourceError
from dressform.core.files import write_text
from dressform.core.numbers import duration, percent
from dressform.core.text import counted
from dressform.reporting.page.template import filled, import_map, inside_script
from dressform.runs.layout import Layout
from dressform.runs.listing import RunRow
from dressform.runs.manifest import timestamp


def write_runs_page(path: Path, rows: Sequence[RunRow], root: Path) -> None:
    """Write the page.

    Args:
        path: the HTML file; links to reports and model cards are relative to its folder.
        rows: in the order in which they are shown first.
        root: the folder of all runs, for the heading.

    Raises:
        ResourceError: it cannot be written.
    """
    document = {"rows": [_row(row, path) for row in rows]}
    parts = {
        "root": html.escape(str(root)),
        "count": html.escape(counted(len(rows), "entry", "entries")),
        "timestamp": timestamp(),
        "document": inside_script(document),
        "importmap": import_map("", "runs"),
    }
    try:
        write_text(path, filled("runs.html", parts))
    except OSError as error:
        raise ResourceError(
            f"{path} cannot be written ({error.strerror or error}); give a writable path with page="
        ) from error


def _row(row: RunRow, page: Path) -> dict[str, object]:
    layout = Layout(row.path)
    files = {"report": layout.page, "model card": layout.card}
    return {
        **row.to_json(),
        "title": row.title,
        "val": percent(row.val_accuracy),
        "test": percent(row.test_accuracy),
        "time": "-" if row.seconds is None else duration(row.seconds),
        "links": {name: _link(file, page) for name, file in files.items() if file.is_file()},
    }


def _link(file: Path, page: Path) -> str:
    """A relative address from a page's folder."""
    try:
        relative = os.path.relpath(file.resolve(), page.resolve().parent)
    except ValueError:  # another drive
        return file.resolve().as_uri()
    return quote(Path(relative).as_posix())
