"""Groups of examples that belong together: which examples must stay on one side of every split."""

import numpy as np
from numpy.typing import NDArray

from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_hashes


def inseparable(dataset: Dataset) -> NDArray[np.int64]:
    """The number of the set that each example cannot be separated from, int64 [N], counted from 0
    in order of first appearance.

    Two examples are inseparable if they are of one group or have equal images, and so are the ends
    of any chain of such pairs. Without groups these are the sets of equal images.
    """
    _, duplicate = np.unique(image_hashes(dataset.images), return_inverse=True)
    if dataset.groups is None:
        return _numbered(duplicate)
    _, group = np.unique(dataset.groups, return_inverse=True)
    parent = np.arange(int(group.max()) + 1)

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = int(parent[one])
        return one

    # Equal images join the groups that they are in; one link per image to the first of its equals.
    _, first = np.unique(duplicate, return_index=True)
    for one, other in zip(group.tolist(), group[first[duplicate]].tolist(), strict=True):
        if one != other:
            parent[root(one)] = root(other)
    return _numbered(np.array([root(g) for g in range(len(parent))])[group])


def _numbered(keys: NDArray[np.intp]) -> NDArray[np.int64]:
    """Keys replaced by numbers in order of first appearance."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def class_counts(unit: NDArray[np.int64], dataset: Dataset) -> NDArray[np.int64]:
    """Examples of each class in each set, int64 [G, K]."""
    classes = len(dataset.class_names)
    cells = np.bincount(unit * classes + dataset.labels, minlength=(int(unit.max()) + 1) * classes)
    return cells.reshape(-1, classes).astype(np.int64)


def count_groups(dataset: Dataset) -> int | None:
    """Number of different groups; None for data without any."""
    return None if dataset.groups is None else len(np.unique(dataset.groups))
