"""What names of files say about groups: bursts, numbered views of one article, copies, augmented
versions.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.data.dataset import Dataset, DatasetSplits

logger = logging.getLogger(__name__)

MIN_GROUPS = 3
"""Groups of two and more images from which names are worth a line of advice."""
MIN_FRACTION = 0.3
"""Of the images must be in such groups, unless names mark copies explicitly."""
MAX_FRACTION = 0.5
"""Of a class's images in one group: beyond that a name is that of the class (``shirt_1.jpg``)."""
MAX_LENGTH = 300
"""Of a name that is looked at, so that matching takes no time worth mentioning."""
SAMPLE = 2000
"""Names that are looked at before all of them are."""


@dataclass(frozen=True)
class _Kind:
    """A way in which files are named.

    Attributes:
        pattern: for ``--groups``; its group is what the images of one group share.
        meaning: for people.
        explicit: the name says that these are copies, so a few of them count.
    """

    pattern: str
    meaning: str
    explicit: bool = False


_KINDS = (
    _Kind(r"^(.+)\.rf\.[0-9a-f]{8,}", "augmented versions (as Roboflow names them)", True),
    _Kind(r"(BURST\d{9,})", "bursts", True),
    _Kind(r"^(.+?)(?: ?\(\d{1,3}\)| - Copy| - Kopie| copy){0,3}\.\w+$", "copies", True),
    _Kind(r"^(.+?)[ _.-]+(?:BURST)?\(?\d{1,3}\)?(?:_COVER)?\.\w+$", "numbered images"),
    _Kind(r"^(.+?)[_-](?:front|back|side|top|detail|left|right)\b", "views"),
)
_SHORT = (r"^(.+)_\d+\.", r"^(.+)-\d+\.", r"^(.+?)( \(\d+\))?\.\w+$", r"^(.+) \(\d+\)\.")


@dataclass(frozen=True, eq=False)
class NamedGroups:
    """Groups that names suggest.

    Attributes:
        pattern: for ``--groups``.
        meaning: what these names usually are, for people.
        groups: str [N], of every example; one that does not match has a group of its own.
        count: groups of two and more images.
        images: in these groups.
        example: two names of one group.
    """

    pattern: str
    meaning: str
    groups: NDArray[np.str_]
    count: int
    images: int
    example: tuple[str, str]


_NEAR, _WHOLE = "([^/]+/", "^(.*/"
"""How a pattern begins that takes the folder of an image into its group, or all folders."""


def suggest_groups(
    ids: Sequence[str] | NDArray[np.str_], labels: NDArray[np.int64]
) -> NamedGroups | None:
    """Groups that the names of files suggest, or None.

    Many images must share what stands before a number or a word for a view, but not nearly all
    images of a class: ``shirt_001.jpg`` to ``shirt_400.jpg`` are a class, no group. Where two
    folders have images of the same name, as cameras count them, a group is of one folder.

    Args:
        ids: N unique ids, of files their paths.
        labels: int64 [N], their classes.
    """
    paths = [str(name) for name in ids]
    names = [path.rpartition("/")[2] for path in paths]
    names = [name if len(name) <= MAX_LENGTH else "" for name in names]
    for kind in _KINDS:
        search = re.compile(kind.pattern).search
        step = max(1, len(names) // SAMPLE)
        if not any(search(name) for name in names[::step]):
            continue
        found = [_key(match) if (match := search(name)) else None for name in names]
        for begin, folders in _folders(paths, found):
            suggestion = _suggestion(kind, begin, paths, (folders, found), labels)
            if suggestion is not None:
                return suggestion
    return None


def _key(match: "re.Match[str]") -> str | None:
    """What a name shares with others, unless it is a plain number (``12.jpg`` and ``12 (2).jpg``
    may be of anything).
    """
    return None if match[1].isdigit() else match[1]


def _suggestion(
    kind: _Kind,
    begin: str,
    ids: list[str],
    parts: tuple[list[str], list[str | None]],
    labels: NDArray[np.int64],
) -> NamedGroups | None:
    folders, found = parts
    keys = [
        None if key is None else f"{folder}/{key}" if begin else key
        for folder, key in zip(folders, found, strict=True)
    ]
    counts = Counter(key for key in keys if key is not None)
    rows = [row for row, key in enumerate(keys) if key is not None and counts[key] > 1]
    several = {keys[row] for row in rows}
    if len(several) < MIN_GROUPS or (
        not kind.explicit and len(rows) < max(MIN_FRACTION * len(ids), 2 * MIN_GROUPS)
    ):
        return None
    in_class = Counter(zip(folders, labels.tolist(), strict=True))
    shared = Counter((keys[row], folders[row], int(labels[row])) for row in rows)
    if any(
        count > max(2, MAX_FRACTION * in_class[folder, label])
        for (_, folder, label), count in shared.items()
    ):
        return None
    first = rows[0]
    second = next(row for row in rows[1:] if keys[row] == keys[first])
    groups = np.array(
        [f"{ids[row]}'" if key is None else key for row, key in enumerate(keys)], dtype=np.str_
    )
    pattern = _simplest(kind, begin, ids, groups)
    if pattern is None:
        return None
    return NamedGroups(
        pattern=pattern,
        meaning=kind.meaning,
        groups=groups,
        count=len(several),
        images=len(rows),
        example=(ids[first], ids[second]),
    )


def _folders(ids: list[str], found: list[str | None]) -> Iterator[tuple[str, list[str]]]:
    """How a pattern begins, and the folder that each name is taken with: none, the last one, or
    all; only where it makes the names that match unique.
    """
    split = [path.split("/") for path in ids]
    for begin, depth in (("", 1), (_NEAR, 2), (_WHOLE, max(map(len, split)))):
        tails = [tuple(p[-depth:]) for p, key in zip(split, found, strict=True) if key]
        if len(set(tails)) == len(tails):
            yield begin, ["/".join(p[-depth:-1]) for p in split]


def _simplest(kind: _Kind, begin: str, ids: list[str], groups: NDArray[np.str_]) -> str | None:
    """The first of some short patterns that makes the same groups, else the kind's own; None where
    that makes others.
    """
    known = set(groups.tolist())
    keys = {key.rpartition("/")[2] for key in known}
    words = {match[1] for key in keys if (match := re.fullmatch(r"(\D+)\d+", key))}
    shapes = [rf"({re.escape(word)}\d+)" for word in words if len(words) == 1]
    for short in (*shapes, *_SHORT, kind.pattern):
        pattern = _with_folder(short, begin)
        search = re.compile(pattern).search
        found = (search(name.rpartition("/")[2]) or search(name[-MAX_LENGTH:]) for name in ids)
        made = [match[1] if match else f"{name}'" for match, name in zip(found, ids, strict=True)]
        if len(set(zip(made, groups.tolist(), strict=True))) == len(set(made)) == len(known):
            return pattern
    return None


def _with_folder(pattern: str, begin: str) -> str:
    """A pattern for a name as one for a path, whose group begins with a folder."""
    if not begin:
        return pattern
    rest = pattern.removeprefix("^").removeprefix("(")
    return begin + (rest.replace(".+", "[^/]+", 1) if rest.startswith(".+") else rest)


def advise_groups(data: DatasetSplits) -> tuple[str, ...]:
    """Advice for data without groups whose file names suggest some, one line each; else empty."""
    if any(dataset.groups is not None for _, dataset in data):
        return ()
    ids = np.concatenate([dataset.ids for _, dataset in data])
    found = suggest_groups(ids, np.concatenate([dataset.labels for _, dataset in data]))
    if found is None:
        return ()
    whole = "/" in found.pattern
    names = " and ".join(name if whole else name.rpartition("/")[2] for name in found.example)
    lines = [
        f"{found.images:,} images look like {found.count:,} groups of {found.meaning} (such as "
        f"{names}); groups={found.pattern!r} keeps each group on one side of every split"
    ]
    start, of_split = 0, dict[str, set[str]]()
    for split, dataset in data:
        of_split[split] = set(found.groups[start : start + len(dataset)].tolist())
        start += len(dataset)
    return (*lines, *shared_groups(of_split, "by these names, "))


def log_group_advice(data: DatasetSplits) -> None:
    """Tell the user, in one note, that names suggest groups, or that splits share the groups that
    there are.
    """
    lines = advise_groups(data) or shared_groups({s: groups_of(dataset) for s, dataset in data})
    if lines:
        logger.warning("; ".join(lines))


def shared_groups(groups: dict[str, set[str]], start: str = "") -> list[str]:
    """A sentence for each two splits with common groups.

    Args:
        groups: split -> its groups.
        start: of each sentence.
    """
    names, sentences = list(groups), []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            common = groups[first] & groups[second]
            if common:
                sentences.append(
                    f"{start}{len(common):,} groups are in both {first} and {second} (such as "
                    f"{min(common)}), so {second} is not unseen"
                )
    return sentences


def groups_of(dataset: Dataset) -> set[str]:
    """The groups of a dataset; empty without any."""
    return set() if dataset.groups is None else set(dataset.groups.tolist())
