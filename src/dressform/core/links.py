"""Links of a notebook's output to files."""

import html
from pathlib import Path
from urllib.parse import quote

from dressform.core.text import one_line


def link(path: Path) -> str:
    """A link to a file or folder: relative to the working folder, which is the notebook's, where it
    lies below; else the address of the file.
    """
    absolute = path.absolute()
    try:
        target = quote(absolute.relative_to(Path.cwd()).as_posix())
    except ValueError:
        target = absolute.as_uri()
    return f'<a href="{html.escape(target)}">{html.escape(one_line(str(path)))}</a>'


class LinkedPath(type(Path())):  # type: ignore[misc]
    """A path that a notebook shows as a link."""

    def _repr_html_(self) -> str:
        return link(self)
