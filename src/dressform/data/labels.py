"""Class names for data that has label numbers only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError

NAMES_FILE = "class_names.txt"


def class_names(labels: Mapping[str, NDArray[Any]], where: Path) -> tuple[str, ...]:
    """Names from ``class_names.txt`` in (or beside) ``where``, one a line; without it ``"0"``,
    ``"1"``, ….

    Args:
        labels: split -> label numbers.
        where: the folder or file that the labels came from; used in messages too.

    Raises:
        DataError: labels that are not whole numbers, are negative, or leave gaps: then the largest
            is most likely damage.
    """
    for split, numbers in labels.items():
        if not np.issubdtype(numbers.dtype, np.integer):
            raise DataError(
                f"{where}: {split} labels are {numbers.dtype}; allowed: whole numbers, their "
                f"names in {NAMES_FILE}"
            )
    train = labels["train"]
    listed = (where if where.is_dir() else where.parent) / NAMES_FILE
    if listed.is_file():
        try:
            lines = listed.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{listed} is not UTF-8 text ({error.reason} at byte {error.start}); save it as "
                f"UTF-8"
            ) from None
        names = tuple(line.strip() for line in lines if line.strip())
        allowed = f"{listed.name} names {len(names)} classes"
    else:
        names = tuple(str(i) for i in range(len(np.unique(train))))
        allowed = f"train has {len(names)} different labels"
    for split, numbers in labels.items():
        outside = np.flatnonzero((numbers < 0) | (numbers >= len(names)))
        if len(outside):
            raise DataError(
                f"{where}: {split} example {outside[0]} has label {numbers[outside[0]]}; "
                f"{allowed}, so allowed: 0 to"
                f" {len(names) - 1}; mend the label, or list all class names in {NAMES_FILE}, one "
                f"a line"
            )
    return names
