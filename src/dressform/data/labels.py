"""Class names for data that has only numeric labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError

NAMES_FILE = "class_names.txt"


def read_class_names(labels: Mapping[str, NDArray[Any]], path: Path) -> tuple[str, ...]:
    """Read names from ``class_names.txt`` in (or next to) ``path``, one per line; without it
    ``"0"``, ``"1"``, ….

    Args:
        labels: split -> label numbers.
        path: the folder or file that the labels came from; also used in messages.

    Raises:
        DataError: labels that are not whole numbers, are negative, or leave gaps, in which case the
            largest is most likely an error.
    """
    for split, numbers in labels.items():
        if not np.issubdtype(numbers.dtype, np.integer):
            raise DataError(
                f"{path}: {split} labels are {numbers.dtype}; allowed: whole numbers; list their "
                f"names in {NAMES_FILE}"
            )
    train = labels["train"]
    names_file = (path if path.is_dir() else path.parent) / NAMES_FILE
    if names_file.is_file():
        try:
            lines = names_file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{names_file} is not UTF-8 text ({error.reason} at byte {error.start}); save it "
                f"as "
                f"UTF-8"
            ) from None
        names = tuple(line.strip() for line in lines if line.strip())
        allowed = f"{names_file.name} names {len(names)} classes"
    else:
        names = tuple(str(i) for i in range(len(np.unique(train))))
        allowed = f"train has {len(names)} different labels"
    for split, numbers in labels.items():
        outside = np.flatnonzero((numbers < 0) | (numbers >= len(names)))
        if len(outside):
            raise DataError(
                f"{path}: {split} example {outside[0]} has label {numbers[outside[0]]}; "
                f"{allowed}, so allowed: 0 to"
                f" {len(names) - 1}; fix the label, or list all class names in {NAMES_FILE}, one "
                f"per line"
            )
    return names
