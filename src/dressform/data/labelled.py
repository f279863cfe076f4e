"""`read_examples`: all labelled images of a source, to evaluate a model on; no split is held
out.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.display import brief
from dressform.core.errors import DataError, unknown_name
from dressform.data.catalog import CATALOG
from dressform.data.contents import ImageSource
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.image import DRAFT_FACTOR, open_image
from dressform.data.read_options import ReadOptions
from dressform.data.resample import fit
from dressform.data.source import DataSource, read_examples_by_split
from dressform.data.split_names import SPLITS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Labelled images to evaluate a model on.

    Attributes:
        name: of the data, for people.
        dataset: all of them, split after split.
        counts: examples of each split, in that order.
        digests: split -> digest, as :func:`dressform.load_data` divides the data; also of splits
            that were left out.
        divided: whether the data themselves have splits.
        sources: what each image was decoded from; None for arrays.
        splits: the data as :func:`dressform.load_data` gives them; None if it refuses them.
        notes: remarks for the user on how the data were read, one line each.
    """

    name: str
    dataset: Dataset
    counts: dict[str, int]
    digests: dict[str, str]
    divided: bool
    sources: tuple[ImageSource, ...] | None = None
    splits: DatasetSplits | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return brief(self, self.summary, f"{len(self.dataset.class_names)} classes")

    def _repr_html_(self) -> str:
        return self.dataset._repr_html_()

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def split(self) -> str:
        """The split that they are, or ``all``."""
        return next(iter(self.counts)) if self.divided and len(self.counts) == 1 else "all"

    @property
    def summary(self) -> str:
        """``all 800 images of photos (train 600, test 200)``, or ``test of photos, 200 images``."""
        if self.split != "all":
            return f"{self.split} of {self.name}, {len(self):,} images"
        text = f"all {len(self):,} images of {self.name}"
        if not self.divided:
            return text
        return f"{text} ({', '.join(f'{split} {count:,}' for split, count in self.counts.items())})"

    def only(self, split: str) -> "LabelledImages":
        """Those of one split; of undivided data, those that are held out for testing, or not.

        Raises:
            UnknownNameError: there is no such split.
        """
        if split in self.counts and self.divided:
            before = list(self.counts).index(split)
            start = sum(list(self.counts.values())[:before])
            rows = np.arange(start, start + self.counts[split])
        elif not self.divided and self.splits is not None and split in dict(self.splits):
            rows = np.flatnonzero(np.isin(self.dataset.ids, self.splits[split].ids))
        else:
            available = self.counts if self.divided else dict(self.splits or ())
            raise unknown_name(f"split of {self.name}", split, available or {"all": None})
        return replace(
            self,
            dataset=self.dataset.take(rows),
            counts={split: len(rows)},
            divided=True,
            sources=None if self.sources is None else tuple(self.sources[i] for i in rows),
        )


def read_examples(source: DataSource, options: ReadOptions | None = None) -> LabelledImages:
    """Read all labelled images of a source; nothing is held out, and one class is enough.

    Args:
        source: as for :func:`dressform.load_data`; besides, data without images to train on, such
            as a folder with nothing but ``test``; or splits in memory.
        options: how they are read; splits in memory are what they are.

    Raises:
        DressformError: the data cannot be read.
    """
    if isinstance(source, DatasetSplits):
        return _examples_of(source)
    examples = read_examples_by_split(source, options or ReadOptions())
    order = [split for split in SPLITS if split in examples.parts]
    splits = examples.splits
    sources = [one for split in order for one in examples.sources[split] or ()]
    joined = _joined(order, [examples.parts[split] for split in order])
    digested = examples.parts if splits is None else dict(splits)
    return LabelledImages(
        name=examples.name,
        dataset=joined,
        counts={split: len(examples.parts[split]) for split in order},
        digests={split: dataset.digest for split, dataset in digested.items()},
        divided=set(examples.parts) != {"train"},
        sources=tuple(sources) if len(sources) == len(joined) else None,
        splits=splits,
        notes=examples.notes,
    )


def _examples_of(splits: DatasetSplits) -> LabelledImages:
    """All examples of splits in memory."""
    parts = dict(splits)
    return LabelledImages(
        name=splits.name,
        dataset=_joined(list(parts), list(parts.values())),
        counts={split: len(dataset) for split, dataset in parts.items()},
        digests={split: dataset.digest for split, dataset in parts.items()},
        divided=True,
        splits=splits,
    )


def chosen(examples: LabelledImages, split: str | None) -> LabelledImages:
    """The examples that are evaluated, which the user is told with the notes on them.

    Args:
        examples: of a source.
        split: ``train``, ``validation`` (or ``val``) or ``test``; default all, of a bundled
            benchmark test.

    Raises:
        UnknownNameError: there is no such split.
    """
    if split is None and examples.name in CATALOG and examples.divided:
        split = "test"
    if split is not None:
        examples = examples.only("validation" if split == "val" else split)
    for note in examples.notes:
        logger.warning(note)
    logger.info(f"evaluated on {examples.summary}")
    return examples


def _joined(names_of_splits: list[str], datasets: list[Dataset]) -> Dataset:
    """One dataset of several with the same classes; grey images become colour ones beside others
    in colour, and ids that two splits share get the split's name.

    Raises:
        DataError: their images have different sizes.
    """
    if len(datasets) == 1:
        return datasets[0]
    sizes = {dataset.shape[:2] for dataset in datasets}
    if len(sizes) > 1:
        listed = ", ".join(f"{height} x {width}" for height, width in sorted(sizes))
        raise DataError(f"the splits have images of {listed}; give one split with split=")
    channels = max(dataset.shape[2] for dataset in datasets)
    ids = np.concatenate([dataset.ids for dataset in datasets])
    if len(np.unique(ids)) < len(ids):
        ids = np.array(
            [
                f"{split}/{text}"
                for split, dataset in zip(names_of_splits, datasets, strict=True)
                for text in dataset.ids.tolist()
            ]
        )
    return Dataset(
        np.concatenate([_with_channels(dataset.images, channels) for dataset in datasets]),
        np.concatenate([dataset.labels for dataset in datasets]),
        ids,
        datasets[0].class_names,
        _joined_groups(datasets),
    )


def _joined_groups(datasets: list[Dataset]) -> NDArray[np.str_] | None:
    groups = [dataset.groups for dataset in datasets if dataset.groups is not None]
    return np.concatenate(groups) if len(groups) == len(datasets) else None


def _with_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    return np.repeat(images, channels, axis=3) if images.shape[3] < channels else images


def images_at(examples: LabelledImages, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Images in the size of a model's input.

    Args:
        examples: to read at this size; those that have it already keep their pixels.
        shape: height, width and channels.

    Returns:
        uint8 [N, H, W, C], fitted by :func:`dressform.data.resample.fit`.

    Raises:
        DataError: a file cannot be read any more.
    """
    images = examples.dataset.images
    if examples.dataset.shape == shape:
        return images
    if examples.dataset.shape[:2] == shape[:2] and shape[2] == 3:
        return _with_channels(images, 3)
    result = np.empty((len(images), *shape), np.uint8)
    for i in range(len(images)):
        if examples.sources is not None:
            one = examples.sources[i]
            image = open_image(one.source(), one.name, draft=DRAFT_FACTOR * max(shape[:2]))
        else:
            image = Image.fromarray(
                images[i].squeeze(axis=2) if images.shape[3] == 1 else images[i]
            )
        result[i] = fit(image, shape)
    return result
