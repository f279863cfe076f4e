"""Groups of examples that belong together: made from names or a column, and what they imply for
splits.
"""

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.duplicates import image_hashes

MAX_SECONDS = 10
"""For a pattern and all names. Backtracking can take longer than anyone waits, and Python's
matching cannot be interrupted from within, so a process of its own does it.
"""
_MATCHER = """
import json, re, sys
pattern, names = json.load(sys.stdin)
pattern = re.compile(pattern)
found = []
for name in names:
    match = pattern.search(name.rpartition("/")[2]) or pattern.search(name)
    found.append(None if match is None else match[1 if pattern.groups else 0])
json.dump(found, sys.stdout)
"""


def groups_from_names(
    ids: Sequence[str] | NDArray[np.str_], pattern: str
) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Groups of examples by a part of their names.

    Args:
        ids: N unique ids; of files, their paths with ``/``.
        pattern: a regular expression, searched in the file name, and in the whole id where the name
            does not match. What its first group matches is the example's group; without a group in
            the pattern, what all of it matches.

    Returns:
        str [N]; and notes for the user. An example that does not match is a group of its own.

    Raises:
        ConfigError: the pattern is no regular expression, matches no name, or takes too long.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(
            f'groups is "{pattern}", which is not a regular expression ({error}); an '
            f'example is "(sku\\d+)_"'
        ) from None
    names = [str(name) for name in ids]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MATCHER],
            input=json.dumps([pattern, names]),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=MAX_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f'groups is "{pattern}", which takes more than {MAX_SECONDS} s to match '
            f"{len(names):,} names; write it without a repetition inside a repetition, such as "
            f'"(sku\\d+)_"'
        ) from None
    found: list[str | None] = json.loads(done.stdout)
    if not any(found):
        raise ConfigError(
            f'groups is "{pattern}", which matches none of {len(names):,} names (such as '
            f"{names[0]}); give a pattern that matches what the names of one group share"
        )
    return _with_own_groups(names, found, f'the pattern "{pattern}"', "do not match")


def groups_from_values(
    ids: Sequence[str] | NDArray[np.str_], values: Sequence[str | None], by: str
) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Groups of examples by a column of a table.

    Args:
        ids: N unique ids.
        values: of the column; an example with an empty one is a group of its own.
        by: where they are from, for messages, such as ``column sender``.

    Returns:
        str [N]; and notes for the user.

    Raises:
        ConfigError: all values are empty.
    """
    texts = [None if value is None else value.strip() for value in values]
    if not any(texts):
        raise ConfigError(f"{by} has no value in any row; name a column with a group in each row")
    return _with_own_groups([str(name) for name in ids], texts, by, "have no value there")


def _with_own_groups(
    ids: list[str], found: Sequence[str | None], by: str, why_own: str
) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Texts as groups, one spelling for each; examples without any get one of their own."""
    texts = [unicodedata.normalize("NFC", text) if text else None for text in found]
    taken = {text for text in texts if text is not None}
    groups, alone = [], []
    for name, text in zip(ids, texts, strict=True):
        if text is None:
            alone.append(name)
            text = name
            while text in taken:
                text += "'"
            taken.add(text)
        groups.append(text)
    n_groups, grouped = len({text for text in texts if text}), len(ids) - len(alone)
    note = f"{grouped:,} of {len(ids):,} images are in {n_groups:,} groups by {by}"
    if alone:
        note += f"; the others {why_own} (such as {alone[0]}), so each is a group of its own"
    return np.array(groups, dtype=np.str_), (note,)


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


def class_counts(
    unit: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Examples of each class in each set, int64 [G, K]."""
    cells = np.bincount(unit * classes + labels, minlength=(int(unit.max()) + 1) * classes)
    return cells.reshape(-1, classes).astype(np.int64)


def count_groups(dataset: Dataset) -> int | None:
    """Number of different groups; None for data without any."""
    return None if dataset.groups is None else len(np.unique(dataset.groups))


def grouped_by(data: DatasetSplits) -> str | None:
    """How the groups of the training examples were made, for people; None without groups."""
    return None if data.train.groups is None else data.grouped_by or "the data's own groups"
