"""NPZ files with arrays of images and labels, named as dressform or Keras names them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import read_npz, write_npz
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.labels import read_class_names

_ARRAY_NAMES = {
    "train": (
        ("train_images", "train_labels"),
        ("x_train", "y_train"),
        ("images", "labels"),
        ("x", "y"),
    ),
    "validation": (("validation_images", "validation_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}


def read_archive(path: Path) -> dict[str, Dataset]:
    """Read every split of an NPZ file.

    Args:
        path: arrays ``images, labels`` (one set), or ``train_images, train_labels, test_images,
            test_labels``, or ``x_train, y_train, x_test, y_test``; images uint8 [N, H, W] or [N, H,
            W, C]; optional ``class_names``, and ``ids`` or ``train_ids``, ``test_ids``.

    Returns:
        split name -> dataset.

    Raises:
        DataError: the file is not NPZ or is pickled, or arrays are missing or of the wrong type.
    """
    arrays = read_npz(path)
    names = (
        [str(name) for name in np.ravel(arrays["class_names"])] if "class_names" in arrays else None
    )
    splits: dict[str, tuple[NDArray[Any], NDArray[Any], list[str] | None]] = {}
    for split, options in _ARRAY_NAMES.items():
        for images_key, labels_key in options:
            if images_key in arrays and labels_key in arrays:
                ids = arrays.get(
                    f"{split}_ids", arrays.get("ids") if images_key == "images" else None
                )
                splits[split] = (
                    arrays[images_key],
                    arrays[labels_key],
                    None if ids is None else [str(i) for i in np.ravel(ids)],
                )
                break
    if "train" not in splits:
        raise DataError(
            f"{path} has arrays {', '.join(arrays) or 'none'}; expected images and labels,"
            " or train_images, train_labels, test_images, test_labels"
        )
    if names is None:
        names = list(
            read_class_names(
                {split: np.ravel(labels) for split, (_, labels, _) in splits.items()}, path
            )
        )
    try:
        return {
            split: Dataset.from_arrays(
                images, labels, class_names=names, ids=ids, prefix=f"{split}/"
            )
            for split, (images, labels, ids) in splits.items()
        }
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def write_archive(path: Path, splits: DatasetSplits) -> None:
    """Write all splits to an NPZ file, which :func:`read_archive` reads back unchanged."""
    arrays: dict[str, NDArray[Any]] = {"class_names": np.array(splits.class_names)}
    for split, dataset in splits:
        arrays |= {
            f"{split}_images": dataset.images,
            f"{split}_labels": dataset.labels,
            f"{split}_ids": dataset.ids,
        }
    write_npz(path, arrays)
