"""Class names for data that has only numeric labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name
from dressform.data.file_tree import File, FileTree

NAMES_FILES = ("class_names.txt", "classes.txt", "label_names.txt")


def names_beside(tree: FileTree, folder: str) -> tuple[str, ...] | None:
    """The names in ``class_names.txt`` (or ``classes.txt``, ``label_names.txt``) in a folder of a
    tree or above it, one per line, in label order; None without such a file.

    Raises:
        DataError: it is no UTF-8 text.
    """
    files = {file.path.lower(): file for file in tree.files}
    while True:
        for name in NAMES_FILES:
            found = files.get(f"{folder}/{name}".lower() if folder else name)
            if found is not None:
                return _names_of(found)
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _names_of(file: File) -> tuple[str, ...]:
    try:
        lines = file.read(2**22).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file.name} is not UTF-8 text ({error.reason} at byte {error.start}); save it as "
            f"UTF-8"
        ) from None
    return tuple(class_name(line) for line in lines if line.strip())


def named_labels(
    labels: Mapping[str, NDArray[Any]], where: str, names: tuple[str, ...] | None
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Names in place of label numbers.

    Args:
        labels: split -> label numbers.
        where: the file or folder that they came from, for messages.
        names: of the classes, in label order; None gives ``"0"``, ``"1"``, …, or the numbers from
            1 if there is no 0.

    Returns:
        split -> the name of each example's class, and the names in label order.

    Raises:
        DataError: labels that are not whole numbers, are negative, or leave gaps, in which case the
            largest is most likely an error.
    """
    for split, numbers in labels.items():
        if not np.issubdtype(numbers.dtype, np.integer):
            raise DataError(
                f"{where}: {split} labels are {numbers.dtype}; allowed: whole numbers; list their "
                f"names in {NAMES_FILES[0]}"
            )
    first = 0
    counted = labels.get("train", next(iter(labels.values())))
    if names is None:
        different = np.unique(counted)
        first = 1 if len(different) and different[0] == 1 else 0
        names = tuple(str(i + first) for i in range(len(different)))
        allowed = f"train has {len(different)} different labels"
    else:
        if len(names) and min((n.min(initial=1) for n in labels.values()), default=1) == 1:
            first = int(max(n.max(initial=0) for n in labels.values()) == len(names))
        allowed = f"{len(names)} classes have names"
    for split, numbers in labels.items():
        outside = np.flatnonzero((numbers < first) | (numbers >= len(names) + first))
        if len(outside):
            raise DataError(
                f"{where}: {split} example {outside[0]} has label {numbers[outside[0]]}; "
                f"{allowed}, so allowed: {first} to {len(names) + first - 1}; fix the label"
                + (
                    f", or list all class names in {NAMES_FILES[0]}, one per line"
                    if numbers[outside[0]] > 0
                    else ""
                )
            )
    array = np.array(names, dtype=object)
    return {s: array[numbers - first].tolist() for s, numbers in labels.items()}, names
