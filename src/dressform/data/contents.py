"""`Contents`: labelled images as a reader found them, before they become datasets."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, unknown_name
from dressform.core.text import class_name, one_line
from dressform.data.dataset import Dataset, LeftOut
from dressform.data.file_tree import File


class ImageSource(NamedTuple):
    """An encoded image that is not decoded yet.

    Attributes:
        name: for messages.
        file: that it is in; None if ``content`` holds it.
        content: its bytes, or None.
    """

    name: str
    file: File | None = None
    content: bytes | None = None

    def source(self) -> Path | bytes:
        """What is decoded.

        Raises:
            DataError: it cannot be read.
        """
        return self.content if self.file is None else self.file.source()  # type: ignore[return-value]


Images = NDArray[np.uint8] | Sequence[ImageSource]


@dataclass(frozen=True, eq=False)
class Part:
    """The examples of one split.

    Attributes:
        labels: names of classes [N].
        ids: unique within the part [N].
        images: uint8 [N, H, W, C], or what they are decoded from.
        groups: what must not be divided [N], or None.
    """

    labels: list[str]
    ids: list[str]
    images: Images
    groups: list[str] | None = None

    def take(self, rows: Sequence[int]) -> "Part":
        """The examples at these rows."""
        images: Images
        if isinstance(self.images, np.ndarray):
            images = self.images[np.asarray(rows, np.int64)]
        else:
            images = [self.images[row] for row in rows]
        return Part(
            [self.labels[row] for row in rows],
            [self.ids[row] for row in rows],
            images,
            None if self.groups is None else [self.groups[row] for row in rows],
        )


@dataclass(frozen=True, eq=False)
class Contents:
    """What a reader found.

    Attributes:
        name: of the dataset.
        parts: split -> examples.
        class_names: in label order; None: sorted.
        notes: for the user, one line each.
        reasons: why it was read as it was, one line each.
        bad: files that cannot be used.
        grouped_by: how groups were found, or None.
        empty: names of classes that have no images.
    """

    name: str
    parts: dict[str, Part]
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    bad: tuple[LeftOut, ...] = field(default=())
    grouped_by: str | None = None
    empty: tuple[str, ...] = ()

    def ordered_names(self) -> tuple[str, ...]:
        """The names of the classes in label order."""
        if self.class_names is not None:
            return self.class_names
        return sorted_names({label for part in self.parts.values() for label in part.labels})


def dataset_of(part: Part, images: NDArray[np.uint8], names: Sequence[str]) -> Dataset:
    """A part as a dataset.

    Args:
        part: its labels and ids.
        images: uint8 [N, H, W, C].
        names: of the classes, in label order.
    """
    number = {name: i for i, name in enumerate(names)}
    labels = np.fromiter(map(number.__getitem__, part.labels), np.int64, len(part.labels))
    groups = None if part.groups is None else np.array(part.groups, dtype=np.str_)
    return Dataset(images, labels, np.array(part.ids, dtype=np.str_), tuple(names), groups)


def numbered_ids(split: str, count: int) -> list[str]:
    """Ids of examples that have no names: ``test/00000``, ``test/00001``, …"""
    width = max(5, len(str(count)))
    return [f"{split}/{str(i).zfill(width)}" for i in range(count)]


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names sorted as text, or as numbers if all are whole numbers."""
    several = list(names)
    if all(name.isascii() and name.isdigit() for name in several):
        return tuple(sorted(several, key=lambda name: (int(name), name)))
    return tuple(sorted(several))


def notes_on_names(names: Iterable[str]) -> tuple[str, ...]:
    """A note for each set of names that differ only in upper and lower case."""
    folded: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        folded.setdefault(name.casefold(), []).append(name)
    return tuple(
        f"{' and '.join(several)} differ only in upper and lower case, and are {len(several)} "
        f"classes"
        for several in folded.values()
        if len(several) > 1
    )


def drop_classes(contents: Contents, drop: Sequence[str], min_count: int) -> Contents:
    """Leave out classes by name, and those with fewer than ``min_count`` examples in all splits.

    Raises:
        UnknownNameError: no example has a label to drop.
        DataError: fewer than one class would be left.
    """
    if not drop and min_count <= 1:
        return contents
    counts = Counter(label for part in contents.parts.values() for label in part.labels)
    wanted = [class_name(name) for name in drop]
    for name in wanted:
        if name not in counts and name not in contents.empty:
            raise unknown_name(f"class of {contents.name}", name, sorted(counts))
    rare = {name for name, count in counts.items() if count < min_count and name not in wanted}
    out = rare | set(wanted)
    parts = {}
    for split, part in contents.parts.items():
        kept = part.take([i for i, label in enumerate(part.labels) if label not in out])
        if kept.labels:
            parts[split] = kept
    if not parts:
        raise DataError(
            f"{contents.name} has no class left: drop= and min_count={min_count} leave out "
            f"all of them; keep two or more"
        )
    notes = list(contents.notes)
    for reason, several in (("by name", wanted), (f"with fewer than {min_count} examples", rare)):
        if several:
            shown = ", ".join(f"{name} ({counts[name]:,})" for name in sorted(several))
            notes.append(f"left out classes {reason}: {shown}")
    names = None
    if contents.class_names is not None:
        names = tuple(name for name in contents.class_names if name not in out)
    return dataclasses.replace(contents, parts=parts, class_names=names, notes=tuple(notes))


def such_as(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return one_line(", ".join(names[:most]) + more)
