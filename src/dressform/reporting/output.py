"""Where pages and figures are written: paths are checked before anything is computed."""

import os
from collections.abc import Sequence
from pathlib import Path

from dressform.core.errors import ConfigError
from dressform.core.files import user_path
from dressform.reporting.page.blobs import Blob
from dressform.reporting.page.page import write_page
from dressform.reporting.page.schema import DoctorDocument, ReportDocument


def target_of(
    out: str | Path | None, source: str | Path, name: str, *, option: str = "--out"
) -> Path:
    """The HTML file to write.

    Args:
        out: the file, or None.
        source: what the page is about.
        name: of the file where ``out`` is None: in the source, if that is a folder, else in the
            working directory.
        option: that gives ``out``, for messages.

    Raises:
        ConfigError: ``out`` is not an HTML file, or its folder does not exist or is read-only.
    """
    if out is None:
        path = user_path(source)
        return (path if path.is_dir() else Path()) / name
    target = user_path(out)
    if target.is_dir():
        raise ConfigError(
            f"{out} is a folder; give the HTML file to write, such as {target / Path(name).name}"
        )
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"{option} is {out}; allowed: a file that ends in .html")
    if not target.parent.is_dir():
        raise ConfigError(f"{target.parent} does not exist; create that folder, or change {option}")
    if not os.access(target.parent, os.W_OK):
        raise ConfigError(f"{target.parent} may not be written to; change {option}")
    return target


def check_target(path: Path) -> None:
    """Check that a figure may be written there, before anything is computed.

    Raises:
        ConfigError: the name does not end in .png.
    """
    if path.suffix.lower() != ".png":
        raise ConfigError(f"--figure is {path}; allowed: a name that ends in .png")


def write_checked(
    target: Path, document: ReportDocument | DoctorDocument, blobs: Sequence[Blob]
) -> None:
    """Write a page.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        write_page(target, document, blobs)
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written ({error.strerror}); give a writable path with --out"
        ) from error
