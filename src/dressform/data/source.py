"""`load_data`: read a catalogue name or a path in any supported format as `DatasetSplits`."""

import dataclasses
import logging
import re
from pathlib import Path

import numpy as np

from dressform.core.arguments import whole_number
from dressform.core.errors import DataError, unknown_name
from dressform.core.files import user_path
from dressform.data import provenance
from dressform.data.archive import read_archive
from dressform.data.catalog import CATALOG
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.duplicates import fingerprint
from dressform.data.folder import SPLIT_FOLDERS, SUFFIXES, read_folder
from dressform.data.idx import find_pair, read_pair
from dressform.data.labels import read_class_names
from dressform.data.splits import hold_out
from dressform.data.table import read_csv

logger = logging.getLogger(__name__)

TEST_FRACTION = 0.2
_FORMATS = (
    "a folder of IDX files, a folder of class sub-folders, a CSV file (or a folder with "
    "train and test CSV files), or an .npz file"
)


def log_notes(splits: DatasetSplits) -> None:
    """Tell the user how data were read, where that is not obvious."""
    for note in splits.notes:
        logger.warning(note)


def load_data(
    source: str | Path = "fashion-mnist", *, image_size: int | None = None
) -> DatasetSplits:
    """Read labelled images.

    Args:
        source: a catalogue name, or a path: IDX files (gzip or not), Kaggle CSV, class folders of
            PNG, JPEG or WebP, or NPZ; the format is detected.
        image_size: side in pixels for folders of images of different sizes; default 64.

    Returns:
        the available splits. If there is neither a test nor a validation split, a stratified 20 %
        is held out as test, the same in every call, and a note says so.

    Raises:
        ConfigError: the image size is out of range.
        DataError: files that are missing, damaged, inconsistent, or really MNIST.
        UnknownNameError: the source is neither a catalogue name nor a path.
    """
    if not isinstance(source, (str, Path)):
        raise DataError(
            f"{type(source).__name__} was given in place of data; allowed: a dataset's name or a "
            f"path, and for training DatasetSplits"
        )
    if image_size is not None:
        image_size = whole_number("image_size", image_size, least=4, most=1024)
    if str(source) in CATALOG:
        spec = CATALOG[str(source)]
        splits = _read_idx_folder(spec.path(), spec.name, bundled=True)
        return dataclasses.replace(splits, source=str(source), image_size=image_size)
    path = user_path(source)
    if not path.exists():
        if "/" in str(source) or "\\" in str(source) or path.suffix:
            raise DataError(
                f"{source} does not exist; give {_FORMATS}, or a name: {', '.join(CATALOG)}"
            )
        raise unknown_name("dataset or path", str(source), CATALOG)
    try:
        splits = _read_path(path, image_size)
    except PermissionError as error:
        raise DataError(f"{error.filename} may not be read; check its permissions") from None
    splits = _with_test(_with_known_names(splits))
    return dataclasses.replace(splits, source=str(source), image_size=image_size)


def _read_path(path: Path, image_size: int | None) -> DatasetSplits:
    name = path.resolve().name
    if path.is_dir():
        children = list(path.iterdir())
        if any("-ubyte" in p.name for p in children):
            return _read_idx_folder(path, name)
        if not _has_class_folders(children):  # next to these, tables and archives are not the data
            tables = sorted(p for p in children if p.suffix.lower() == ".csv")
            if tables:
                return _read_tables(path, tables)
            archives = [p for p in children if p.suffix.lower() == ".npz"]
            if len(archives) == 1:
                return _from_dict(name, read_archive(archives[0]))
        if not children:
            raise DataError(f"{path} is empty; expected {_FORMATS}")
        datasets, notes = read_folder(path, image_size)
        return _from_dict(name, datasets, notes)
    stem = path.name.removesuffix(".gz")
    if stem.endswith("-ubyte"):
        return _read_idx_folder(path.parent, path.parent.resolve().name)
    if path.suffix.lower() == ".csv":
        return _read_tables(path.parent, [path])
    if path.suffix.lower() == ".npz":
        return _from_dict(path.stem, read_archive(path))
    raise DataError(f"{path} has an unknown format; expected {_FORMATS}")


def _has_class_folders(children: list[Path]) -> bool:
    """Whether a folder has sub-folders that contain images at any depth."""
    folders = (p for p in children if p.is_dir() and not p.name.startswith("."))
    return any(p.suffix.lower() in SUFFIXES for folder in folders for p in folder.rglob("*"))


def _from_dict(
    name: str, datasets: dict[str, Dataset], notes: list[str] | None = None
) -> DatasetSplits:
    for split, dataset in datasets.items():
        provenance.refuse_mnist_counts(dataset.labels, dataset.shape, Path(f"{name} ({split})"))
    return DatasetSplits(
        name,
        datasets["train"],
        datasets.get("validation"),
        datasets.get("test"),
        tuple(notes or ()),
    )


def _read_idx_folder(folder: Path, name: str, *, bundled: bool = False) -> DatasetSplits:
    arrays, is_fashion_mnist = {}, True
    for split, stem in (("train", "train"), ("test", "t10k")):
        pair = find_pair(folder, stem)
        if pair is None:
            continue
        images, labels = read_pair(*pair)
        arrays[split] = images.array, labels.array.astype(np.int64)
        expected = (
            provenance.FASHION_MNIST[f"{stem}-images"],
            provenance.FASHION_MNIST[f"{stem}-labels"],
        )
        is_fashion_mnist &= (images.sha256, labels.sha256) == expected
    if "train" not in arrays:
        raise DataError(
            f"{folder} has no train-images-idx3-ubyte and train-labels-idx1-ubyte (with or "
            f"without .gz); add both"
        )
    if is_fashion_mnist:
        names: tuple[str, ...] = provenance.FASHION_MNIST_CLASSES
    else:
        names = read_class_names({split: labels for split, (_, labels) in arrays.items()}, folder)
    if bundled and not is_fashion_mnist:
        raise DataError(
            f"{folder} does not match {name}'s checksums: its files were changed; reinstall "
            f"dressform"
        )
    datasets = {
        split: Dataset.from_arrays(images, labels, class_names=names, prefix=f"{split}/")
        for split, (images, labels) in arrays.items()
    }
    return _from_dict(name, datasets)


def _read_tables(folder: Path, tables: list[Path]) -> DatasetSplits:
    paths: dict[str, Path] = {}
    if len(tables) == 1:
        paths["train"] = tables[0]
    else:
        for split in ("train", "validation", "test"):
            matching = [p for p in tables if split in _split_words(p)]
            if len(matching) > 1:
                raise DataError(
                    f"{folder} has several CSV files for {split}: "
                    f"{', '.join(p.name for p in matching)}; keep one"
                )
            if matching:
                paths[split] = matching[0]
        unused = [p.name for p in tables if p not in paths.values()]
        if unused:
            raise DataError(
                f"{folder} has {', '.join(unused)} among its CSV files; name them train, "
                f"validation and test, or give a single file"
            )
        if "train" not in paths:
            raise DataError(
                f"{folder} has CSV files {', '.join(p.name for p in tables)} but none with train "
                f"in its name"
            )
    arrays = {split: read_csv(path) for split, path in paths.items()}
    names = read_class_names(
        {split: labels for split, (_, labels) in arrays.items()}, paths["train"]
    )
    datasets = {
        split: Dataset.from_arrays(images, labels, class_names=names, prefix=f"{split}/")
        for split, (images, labels) in arrays.items()
    }
    name = tables[0].stem if len(tables) == 1 else folder.resolve().name
    return _from_dict(name, datasets)


def _split_words(path: Path) -> set[str]:
    """The splits named by the words of a file name: train for fashion-mnist_train.csv, none for
    latest.csv.
    """
    words = re.split(r"[^a-z]+", path.stem.lower())
    return {SPLIT_FOLDERS[word] for word in words if word in SPLIT_FOLDERS}


def _with_known_names(splits: DatasetSplits) -> DatasetSplits:
    """Give Fashion-MNIST its class names in every file format (CSV and NPZ files lack them)."""
    if splits.shape != (28, 28, 1) or splits.class_names != tuple("0123456789"):
        return splits
    if fingerprint(splits.train) != provenance.FASHION_MNIST_TRAIN_FINGERPRINT:
        return splits
    named = {
        split: dataclasses.replace(dataset, class_names=provenance.FASHION_MNIST_CLASSES)
        for split, dataset in splits
    }
    return DatasetSplits(
        splits.name, named["train"], named.get("validation"), named.get("test"), splits.notes
    )


def _with_test(splits: DatasetSplits) -> DatasetSplits:
    if splits.test is not None or splits.validation is not None:
        return splits
    split = hold_out(splits.train, TEST_FRACTION, seed=0)
    note = (
        f"no test split: {len(split.held_out_indices):,} of {len(splits.train):,} examples were "
        f"held out for testing"
    )
    return DatasetSplits(
        splits.name,
        splits.train.take(split.train_indices),
        None,
        splits.train.take(split.held_out_indices),
        (*splits.notes, note),
    )
