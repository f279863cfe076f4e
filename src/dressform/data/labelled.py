"""`read_examples`: all labelled images of a source, to evaluate a model on; no split is held
out.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.errors import DataError, unknown_name
from dressform.core.files import user_path
from dressform.data.catalog import CATALOG
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.folder import SPLIT_FOLDERS, read_folder
from dressform.data.image import fit, open_image
from dressform.data.source import load_data

logger = logging.getLogger(__name__)

HELD_OUT = "no test split"
"""What the note about a hold-out begins with; where all images are evaluated, nothing is held
out.
"""


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
        files: the file of each image, where each has its own; else None.
        splits: the data as :func:`dressform.load_data` gives them; None if it refuses them.
        notes: remarks for the user on how the data were read, one line each.
    """

    name: str
    dataset: Dataset
    counts: dict[str, int]
    digests: dict[str, str]
    divided: bool
    files: tuple[Path, ...] | None = None
    splits: DatasetSplits | None = None
    notes: tuple[str, ...] = ()

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
        """Those of one split.

        Raises:
            UnknownNameError: there is no such split.
        """
        if split not in self.counts:
            raise unknown_name(f"split of {self.name}", split, self.counts)
        before = list(self.counts).index(split)
        start = sum(list(self.counts.values())[:before])
        rows = np.arange(start, start + self.counts[split])
        return replace(
            self,
            dataset=self.dataset.take(rows),
            counts={split: len(rows)},
            divided=True,
            files=None if self.files is None else tuple(self.files[i] for i in rows.tolist()),
        )


def read_examples(source: str | Path, *, image_size: int | None = None) -> LabelledImages:
    """Read all labelled images of a source.

    Args:
        source: as for :func:`dressform.load_data`; besides, a folder with a ``test`` folder alone.
        image_size: side in pixels for folders of images of different sizes; default 64.

    Raises:
        DressformError: the data cannot be read.
    """
    splits = None
    try:
        splits = load_data(source, image_size=image_size)
    except DataError:
        datasets, notes = _read_incomplete(source, image_size)
        name, divided = user_path(source).resolve().name, set(datasets) != {"train"}
    else:
        datasets, name = dict(splits), splits.name
        notes = [note for note in splits.notes if not note.startswith(HELD_OUT)]
        divided = len(datasets) > 1 and len(notes) == len(splits.notes)
    joined = _joined(list(datasets.values()))
    return LabelledImages(
        name,
        joined,
        {split: len(dataset) for split, dataset in datasets.items()},
        {split: dataset.digest for split, dataset in datasets.items()},
        divided,
        _files(source, joined),
        splits,
        tuple(notes),
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


def _read_incomplete(
    source: str | Path, image_size: int | None
) -> tuple[dict[str, Dataset], list[str]]:
    """A folder that cannot be trained on but has labelled images: split folders without one for
    training, or too few images to hold some out.

    Raises:
        DressformError: it is something else; the reason is that of :func:`load_data`.
    """
    path = user_path(source)
    if not path.is_dir():
        load_data(source, image_size=image_size)
    folders = {
        SPLIT_FOLDERS[child.name.lower()]: child
        for child in sorted(path.iterdir())
        if child.name.lower() in SPLIT_FOLDERS and any(p.is_dir() for p in child.iterdir())
    }
    if not folders:
        datasets, notes = read_folder(path, image_size)
        return datasets, notes
    if "train" in folders:
        load_data(source, image_size=image_size)
    datasets, notes = {}, []
    for split, folder in folders.items():
        inside, remarks = read_folder(folder, image_size)
        if set(inside) != {"train"}:
            raise DataError(f"{folder} has split folders inside; give one of them")
        ids = np.array([f"{folder.name}/{text}" for text in inside["train"].ids.tolist()])
        datasets[split] = replace(inside["train"], ids=ids)
        notes += [remark for remark in remarks if remark not in notes]
    return datasets, notes


def _joined(datasets: list[Dataset]) -> Dataset:
    """One dataset of several, whose classes are joined by name; grey images become colour ones
    beside others in colour.

    Raises:
        DataError: their images have different sizes.
    """
    if len(datasets) == 1:
        return datasets[0]
    names = datasets[0].class_names
    if any(dataset.class_names != names for dataset in datasets):
        names = tuple(sorted({name for dataset in datasets for name in dataset.class_names}))
    sizes = {dataset.shape[:2] for dataset in datasets}
    if len(sizes) > 1:
        listed = ", ".join(f"{height} x {width}" for height, width in sorted(sizes))
        raise DataError(f"the splits have images of {listed}; give one split with --split")
    channels = max(dataset.shape[2] for dataset in datasets)
    labels = [
        np.array([names.index(name) for name in dataset.class_names])[dataset.labels]
        for dataset in datasets
    ]
    return Dataset(
        np.concatenate([_with_channels(dataset.images, channels) for dataset in datasets]),
        np.concatenate(labels).astype(np.int64),
        np.concatenate([dataset.ids for dataset in datasets]),
        names,
    )


def _with_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    return np.repeat(images, channels, axis=3) if images.shape[3] < channels else images


def _files(source: str | Path, dataset: Dataset) -> tuple[Path, ...] | None:
    """The file of each image: the ids of a folder's images are their paths below it."""
    folder = user_path(source)
    if str(source) in CATALOG or not folder.is_dir():
        return None
    files = tuple(folder / text for text in dataset.ids.tolist())
    return files if all(path.is_file() for path in files) else None


def images_at(examples: LabelledImages, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Images in the size of a model's input.

    Args:
        examples: to read at this size; those that have it already keep their pixels.
        shape: height, width and channels.

    Returns:
        uint8 [N, H, W, C], fitted by :func:`dressform.data.image.fit`.

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
        if examples.files is not None:
            image = open_image(examples.files[i], draft=2 * max(shape[:2]))
        else:
            image = Image.fromarray(
                images[i].squeeze(axis=2) if images.shape[3] == 1 else images[i]
            )
        result[i] = fit(image, shape)
    return result
