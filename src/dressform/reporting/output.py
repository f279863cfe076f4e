"""Where pages and figures are written: paths are checked before anything is computed."""

import os
from collections.abc import Sequence
from pathlib import Path

from dressform.core.errors import ConfigError, ResourceError
from dressform.core.files import user_path
from dressform.reporting.page.blobs import Blob
from dressform.reporting.page.page import write_page
from dressform.reporting.page.schema import DoctorDocument, ReportDocument


def target_of(
    out: str | Path | None, source: str | Path, name: str, *, argument: str = "out"
) -> Path:
    """The HTML file to write.

    Args:
        out: the file, or None.
        source: what the page is about.
        name: of the file where ``out`` is None: in the source, if that is a folder, else in the
            working directory.
        argument: that gives ``out``, for messages.

    Raises:
        ConfigError: ``out`` is not an HTML file, or its folder does not exist or is read-only.
    """
    if out is None:
        path = user_path(source)
        folder = path if path.is_dir() else Path()
        check_folder(folder, f"{argument}=")
        return folder / name
    target = user_path(out)
    if target.is_dir():
        raise ConfigError(
            f"{out} is a folder; give the HTML file to write, such as {target / Path(name).name}"
        )
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"{argument} is {out}; allowed: a file that ends in .html")
    _check_folder(target.parent, f"{argument}=")
    return target


def check_folder(folder: Path, option: str) -> None:
    """Check that files may be written into a folder, which is made if need be.

    Args:
        folder: it.
        option: what gives it, for messages, such as ``out=``.

    Raises:
        ConfigError: it is a file, or cannot be written to or made.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise ConfigError(f"{existing} is a file; give a folder as {option}")
    if not os.access(existing, os.W_OK):
        raise ConfigError(f"{existing} may not be written to; change {option}")


def _check_folder(folder: Path, option: str) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder} does not exist; create that folder, or change {option}")
    check_folder(folder, option)


def check_target(path: Path, *, suffix: str = ".png", argument: str = "figure") -> None:
    """Check that a file of a kind may be written there, before anything is computed.

    Args:
        path: the file.
        suffix: how its name has to end.
        argument: that gives it, for messages.

    Raises:
        ConfigError: the name does not end so, or its folder cannot be written to.
    """
    if path.suffix.lower() != suffix:
        raise ConfigError(f"{argument} is {path}; allowed: a name that ends in {suffix}")
    if path.is_dir():
        raise ConfigError(f"{argument} is {path}, a folder; give the {suffix} file to write")
    check_folder(path.parent, f"{argument}=")


def write_checked(
    target: Path, document: ReportDocument | DoctorDocument, blobs: Sequence[Blob]
) -> None:
    """Write a page.

    Raises:
        ResourceError: the file cannot be written, such as on a full disk.
    """
    try:
        write_page(target, document, blobs)
    except OSError as error:
        raise ResourceError(
            f"{target} cannot be written ({error.strerror or error}); give a writable path with "
            f"out="
        ) from error
