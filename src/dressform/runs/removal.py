"""`remove_folder`: delete a run, cross-validation or tuning, unless somebody is writing to it."""

import contextlib
import shutil
from pathlib import Path

from dressform.core.errors import RunError
from dressform.core.files import exclusive
from dressform.runs.layout import CrossvalLayout, Layout, TuningLayout


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def remove_folder(folder: Path) -> None:
    """Delete a run's folder, and the folders above it that this leaves empty.

    What makes it a run is deleted first: an interrupted deletion leaves no half of one.

    Raises:
        RunError: a process is writing to it, or it cannot be deleted.
    """
    crossval, tuning, lock = CrossvalLayout(folder), TuningLayout(folder), Layout(folder).lock
    marks = (Layout(folder).manifest, crossval.summary, crossval.plan, tuning.document)
    try:
        with exclusive(lock):
            for path in (*marks, tuning.database, *set(folder.iterdir()).difference(marks, [lock])):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        shutil.rmtree(folder)  # with the lock, which Windows deletes only after it is let go
    except RunError:
        raise RunError(
            f"{folder} is being written to by another process; wait until it is finished"
        ) from None
    except OSError as error:
        raise RunError(
            f"{error.filename or folder} cannot be deleted ({error.strerror or error}); check its "
            f"permissions"
        ) from error
    for parent in list(folder.parents)[:2]:
        with contextlib.suppress(OSError):  # not empty
            parent.rmdir()
