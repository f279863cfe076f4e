"""Cached results of long computations, which are recomputed if their file is damaged or missing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.npz import read_npz, write_npz

Arrays = Mapping[str, NDArray[Any]]


def read_cached(path: Path, names: set[str], rows: int) -> Arrays | None:
    """The arrays of a file, or None if it is missing, damaged, or lacks one of the names or a row
    per example.
    """
    try:
        arrays = read_npz(path) if path.is_file() else {}
    except DataError:
        return None
    valid = names <= set(arrays) and all(
        len(arrays[name]) == rows and np.isfinite(arrays[name]).all() for name in names
    )
    return arrays if valid else None


def cached(path: Path, names: set[str], rows: int, compute: Callable[[], Arrays]) -> Arrays:
    """The arrays of a file, or else the result of ``compute``, which is then written to the file if
    possible.
    """
    arrays = read_cached(path, names, rows)
    if arrays is None:
        arrays = compute()
        try:
            path.parent.mkdir(exist_ok=True)
            write_npz(path, arrays)
        except OSError:
            pass
    return arrays
