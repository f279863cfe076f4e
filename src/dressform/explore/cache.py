"""Arrays that took long to find are kept in a file, and found anew when it is damaged or gone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import read_npz, write_npz

Arrays = Mapping[str, NDArray[Any]]


def read_kept(path: Path, names: set[str], rows: int) -> Arrays | None:
    """The arrays of a file, or None where it is not there, damaged, lacks one of the names, or has
    not a row per example.
    """
    try:
        arrays = read_npz(path) if path.is_file() else {}
    except DataError:
        return None
    whole = names <= set(arrays) and all(
        len(arrays[name]) == rows and np.isfinite(arrays[name]).all() for name in names
    )
    return arrays if whole else None


def kept(path: Path, names: set[str], rows: int, find: Callable[[], Arrays]) -> Arrays:
    """What the file holds, else what ``find`` gives, which is then kept; a folder that cannot be
    written to does no harm.
    """
    found = read_kept(path, names, rows)
    if found is None:
        found = find()
        try:
            path.parent.mkdir(exist_ok=True)
            write_npz(path, found)
        except OSError:
            pass
    return found
