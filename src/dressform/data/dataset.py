"""`Dataset`, an immutable set of labelled images, and `DatasetSplits`, the named splits of one
collection.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import Markup, brief, listed, paragraph, table
from dressform.core.errors import DataError, unknown_name
from dressform.core.files import sha256_bytes
from dressform.core.label_arguments import (
    array_of,
    class_names_of,
    group_texts,
    id_texts,
    label_numbers,
)
from dressform.data.read_options import ReadOptions

Layout = Literal["channels-last", "channels-first"]
SHOWN_IMAGES, MAX_SHOWN_CLASSES = 4, 30
"""Images of a class, and classes, that a notebook shows."""


def inference_batch_size(shape: tuple[int, ...], maximum: int) -> int:
    """Batch size for inference on images [H, W, C]: ``maximum`` at 28 x 28, smaller for larger
    images, at least 4.
    """
    return max(4, min(maximum, maximum * 28 * 28 // (shape[0] * shape[1])))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Immutable labelled images.

    Attributes:
        images: uint8 [N, H, W, C], read-only; C is 1 (grey) or 3 (RGB).
        labels: int64 [N], read-only, each in 0..len(class_names)-1.
        ids: str [N], unique, stable: the same example has the same id in every run.
        class_names: one name per class, in label order.
        groups: str [N], read-only; examples of one group (photos of one article, of one sender)
            are never on both sides of a hold-out or of folds. None if every example stands for
            itself.

    Raises:
        DataError: inconsistent shapes, counts or ranges.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    ids: NDArray[np.str_]
    class_names: tuple[str, ...]
    groups: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", class_names_of(self.class_names))
        object.__setattr__(self, "images", array_of("images", self.images))
        object.__setattr__(self, "labels", label_numbers(self.labels))
        object.__setattr__(self, "ids", id_texts(self.ids))
        if self.groups is not None:
            object.__setattr__(self, "groups", group_texts(self.groups))
        if (
            self.images.dtype != np.uint8
            or self.images.ndim != 4
            or self.images.shape[3] not in (1, 3)
        ):
            raise DataError(
                f"images are {self.images.dtype} {list(self.images.shape)}; allowed: uint8 [N, H, "
                f"W, C] with 1 or 3 channels"
            )
        if not len(self.images) == len(self.labels) == len(self.ids):
            raise DataError(
                f"{len(self.images)} images, {len(self.labels)} labels and {len(self.ids)} ids; "
                f"give one of each per example"
            )
        if len(self.images) == 0:
            raise DataError("no examples; give at least one image")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.class_names):
            raise DataError(
                f"label {low if low < 0 else high} is out of range; allowed: 0 to "
                f"{len(self.class_names) - 1}"
                f" ({len(self.class_names)} classes)"
            )
        if len(np.unique(self.ids)) != len(self.ids):
            raise DataError("ids are not unique; give each example its own id")
        types = {"images": np.uint8, "labels": np.int64, "ids": np.str_}
        if self.groups is not None:
            if self.groups.shape != self.ids.shape:
                raise DataError(
                    f"groups have shape {list(self.groups.shape)} for {len(self.ids)} examples; "
                    f"give one group per example"
                )
            types["groups"] = np.str_
        for name, dtype in types.items():
            view = np.ascontiguousarray(getattr(self, name), dtype=dtype).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def from_arrays(
        cls,
        images: NDArray[Any],
        labels: NDArray[Any] | Sequence[int],
        *,
        class_names: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        groups: Sequence[str] | Sequence[int] | NDArray[Any] | None = None,
        prefix: str = "",
        layout: Layout = "channels-last",
    ) -> "Dataset":
        """Make a dataset from arrays.

        Args:
            images: uint8 [N, H, W], or [N, H, W, C], or [N, C, H, W] with
                ``layout="channels-first"``.
            labels: whole numbers [N].
            class_names: default: ``"0"``, ``"1"``, … up to the largest label.
            ids: default: ``prefix`` and the position, such as ``train/00042``.
            groups: one text or whole number per example; examples of one group are never on both
                sides of a split.
            prefix: prefix of each default id.
            layout: the position of the channels in a four-dimensional array.

        Raises:
            DataError: the arrays are not images and labels.
        """
        pixels = array_of("images", images)
        if pixels.dtype != np.uint8:
            raise DataError(
                f"images have dtype {pixels.dtype}; allowed: uint8 with values 0 to 255; convert "
                f"them first"
            )
        if pixels.ndim not in (3, 4):
            raise DataError(
                f"images have shape {list(pixels.shape)}; allowed: [N, H, W], [N, H, W, C] or [N, "
                f"C, H, W]"
            )
        if pixels.ndim == 3:
            pixels = pixels[..., None]
        elif pixels.ndim == 4 and layout == "channels-first":
            pixels = pixels.transpose(0, 2, 3, 1)
        numbers = label_numbers(labels)
        names = class_names_of(
            range(int(numbers.max(initial=-1)) + 1) if class_names is None else class_names
        )
        if ids is None:
            width = max(5, len(str(len(pixels))))
            ids = [f"{prefix}{i:0{width}d}" for i in range(len(pixels))]
        together = None if groups is None else group_texts(groups)
        return cls(pixels, numbers, id_texts(ids), names, together)

    def __repr__(self) -> str:
        return brief(self, f"{len(self):,} images", _size(self.shape), _classes(self.class_names))

    def _repr_html_(self) -> str:
        return _class_table({"examples": self})

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each image."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @property
    def counts(self) -> NDArray[np.int64]:
        """Examples per class, int64 [K]."""
        return np.bincount(self.labels, minlength=len(self.class_names)).astype(np.int64)

    def take(self, indices: NDArray[np.int64]) -> "Dataset":
        """The examples at ``indices``, in that order."""
        groups = None if self.groups is None else self.groups[indices]
        return Dataset(
            self.images[indices], self.labels[indices], self.ids[indices], self.class_names, groups
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over shape, pixels, labels, ids, class names, and groups where there are any."""
        head = repr((self.images.shape, self.class_names)).encode()
        texts = ["\0".join(self.ids.tolist()).encode()]
        if self.groups is not None:
            texts += [b"\0groups\0", "\0".join(self.groups.tolist()).encode()]
        return sha256_bytes(head, self.images.data, self.labels.data, *texts)


class LeftOut(NamedTuple):
    """A file that cannot be used.

    Attributes:
        path: of the file.
        reason: why.
    """

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class DatasetSplits:
    """The splits of one collection of images.

    Attributes:
        name: a catalogue name, or the name of the file or folder.
        train: training examples; some are held out for validation during training unless
            ``validation`` is given.
        validation: examples for model selection, or None.
        test: examples for the final evaluation, or None.
        notes: remarks for the user on how the data were read, one line each.
        explanation: why they were read so, one line each.
        left_out: files that could not be read and were left out, as asked.
        source: the name or path that they were read from; None for data made in memory.
        options: how they were read.
        grouped_by: how the groups of the examples were found; None without groups.
    """

    name: str
    train: Dataset
    validation: Dataset | None = None
    test: Dataset | None = None
    notes: tuple[str, ...] = field(default=())
    explanation: tuple[str, ...] = field(default=())
    left_out: tuple[LeftOut, ...] = field(default=())
    source: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    grouped_by: str | None = None

    def __post_init__(self) -> None:
        for split, dataset in self:
            if dataset.class_names != self.train.class_names:
                raise DataError(
                    f"{self.name}: {split} has classes {', '.join(dataset.class_names)} but train "
                    f"has"
                    f" {', '.join(self.train.class_names)}; give both splits the same classes"
                )
            if dataset.shape != self.train.shape:
                raise DataError(
                    f"{self.name}: {split} images are {dataset.shape} but train's are "
                    f"{self.train.shape}; make them equal"
                )

    def __repr__(self) -> str:
        counts = (f"{split} {len(dataset):,}" for split, dataset in self)
        return brief(
            self, self.name, *counts, _size(self.shape), f"{len(self.class_names)} classes"
        )

    def _repr_html_(self) -> str:
        title = f"{self.name}: images of {_size(self.shape)}, {len(self.class_names)} classes"
        notes = "".join(paragraph(note) for note in self.notes)
        return f"{paragraph(title)}{_class_table(dict(self))}{notes}"

    def __iter__(self) -> Iterator[tuple[str, Dataset]]:
        yield "train", self.train
        if self.validation is not None:
            yield "validation", self.validation
        if self.test is not None:
            yield "test", self.test

    def __getitem__(self, split: str) -> Dataset:
        """The split called ``train``, ``validation`` or ``test``; never substituted by another.

        Raises:
            UnknownNameError: there is no such split.
        """
        present = dict(self)
        if split not in present:
            raise unknown_name(f"split of {self.name}", split, present)
        return present[split]

    @property
    def location(self) -> str | None:
        """``source`` as it is found from any folder: an absolute path, or the name of a bundled
        dataset.
        """
        if self.source is None or not Path(self.source).expanduser().exists():
            return self.source
        return str(Path(self.source).expanduser().absolute())

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class, in label order."""
        return self.train.class_names

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each image."""
        return self.train.shape


def _size(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{height} x {width}{' in colour' if channels == 3 else ' in grey'}"


def _classes(names: tuple[str, ...]) -> str:
    return f"{len(names)} classes ({listed(names)})"


def _class_table(splits: dict[str, Dataset]) -> str:
    """A row per class: its number of examples in each split, and its first images."""
    from dressform.data.thumbnails import thumbnail

    first = next(iter(splits.values()))
    counts = [dataset.counts for dataset in splits.values()]
    rows = []
    for label, name in enumerate(first.class_names[:MAX_SHOWN_CLASSES]):
        places = np.flatnonzero(first.labels == label)[:SHOWN_IMAGES]
        images = (thumbnail(first.images[i], title=str(first.ids[i]), side=32) for i in places)
        rows.append([name, *(f"{count[label]:,}" for count in counts), Markup("".join(images))])
    more = len(first.class_names) - len(rows)
    rest = paragraph(f"and {more} more classes") if more else ""
    return table(["class", *splits, "images"], rows) + rest
