"""NPZ and NPY files with arrays of images and labels, under the names that people give them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.label_arguments import class_names_of, label_numbers
from dressform.core.npz import read_npz, write_npz
from dressform.core.text import class_name
from dressform.data.contents import Contents, Part, dataset_of, numbered_ids
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.file_tree import File, FileTree
from dressform.data.labels import named_labels, names_beside
from dressform.data.split_names import SPLITS, split_words

Kind = Literal["images", "labels", "ids", "groups"]
_KINDS: dict[str, Kind] = {
    "images": "images", "image": "images", "imgs": "images", "img": "images", "x": "images",
    "data": "images", "pixels": "images", "features": "images", "inputs": "images",
    "labels": "labels", "label": "labels", "y": "labels", "targets": "labels", "target": "labels",
    "classes": "labels", "lbls": "labels",
    "ids": "ids", "groups": "groups",
}  # fmt: skip
_NAMES = ("class_names", "classnames", "label_names", "target_names", "class_labels")


def _place(name: str) -> tuple[str, Kind] | None:
    """The split and kind that an array's name says: ``x_train``, ``test_labels``, ``X``."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    kinds = {_KINDS[word] for word in words if word in _KINDS}
    splits = split_words(name)
    if len(kinds) > 1 and "labels" in kinds and "image" in words:
        kinds.discard("images")  # image_labels
    if len(kinds) != 1 or len(splits) > 1:
        return None
    return (splits.pop() if splits else "train"), kinds.pop()


def read_arrays(
    name: str, where: str, arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...] | None
) -> Contents:
    """Take images and labels from named arrays.

    Args:
        name: of the dataset.
        where: the file or folder, for messages.
        arrays: of an NPZ file, or of several files by their names: ``images, labels`` (one set),
            ``train_images, train_labels, test_images, test_labels``, ``x_train, y_train, …``;
            images [N, H, W], [N, H, W, C] or [N, C, H, W], whole numbers 0 to 255 or fractions 0 to
            1; optional ``class_names``, ``ids`` and ``groups``.
        names: of the classes, from a file beside, or None.

    Raises:
        DataError: arrays are missing or of the wrong type.
    """
    found: dict[str, dict[Kind, str]] = {}
    unused = []
    for key in arrays:
        place = _place(key)
        if key.lower() in _NAMES:
            names = class_names_of(class_name(_text(n)) for n in np.ravel(arrays[key]).tolist())
        elif place is None or place[1] in found.get(place[0], {}):
            unused.append(key)
        else:
            found.setdefault(place[0], {})[place[1]] = key
    whole = [split for split in SPLITS if {"images", "labels"} <= found.get(split, {}).keys()]
    if not whole:
        raise DataError(
            f"{where} has arrays {', '.join(arrays) or 'none'}; expected images and labels, or "
            f"train_images, train_labels, test_images, test_labels"
        )
    unused += [
        key for split, kinds in found.items() if split not in whole for key in kinds.values()
    ]
    for split in whole:
        name_of = found[split]
        if arrays[name_of["images"]].shape[:1] == arrays[name_of["labels"]].shape[:1] == (0,):
            both = f"{name_of['images']} and {name_of['labels']}"
            raise DataError(
                f"{where} has no examples in {both}; add some"
                + (", or leave out both" if len(whole) > 1 else "")
            )
    try:
        raw = {split: arrays[found[split]["labels"]] for split in whole}
        if all(array.dtype.kind in "US" and array.ndim == 1 for array in raw.values()):
            labels = {s: [class_name(_text(x)) for x in a.tolist()] for s, a in raw.items()}
            ordered = names
        else:
            numbers = {s: label_numbers(_unstacked(array)) for s, array in raw.items()}
            labels, ordered = named_labels(numbers, where, names)
        parts = {}
        notes = [f"ignored arrays: {', '.join(unused)}"] if unused else []
        for split in whole:
            keys = found[split]
            images, note = _images(arrays[keys["images"]])
            notes += [note] if note and note not in notes else []
            if len(images) != len(labels[split]):
                raise DataError(
                    f"{keys['images']} has {len(images):,} images but {keys['labels']} has "
                    f"{len(labels[split]):,} labels"
                )
            ids = numbered_ids(split, len(images))
            if "ids" in keys:
                ids = [_text(i) for i in np.ravel(arrays[keys["ids"]]).tolist()]
            groups = None
            if "groups" in keys:
                groups = [_text(g) for g in np.ravel(arrays[keys["groups"]]).tolist()]
            parts[split] = Part(labels[split], ids, images, groups)
    except DataError as error:
        raise error if str(error).startswith(where) else DataError(f"{where}: {error}") from None
    reason = f"{where} has arrays for {', '.join(whole)}: " + ", ".join(
        f"{found[split]['images']} and {found[split]['labels']}" for split in whole
    )
    return Contents(name, parts, ordered, tuple(notes), (reason,))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _unstacked(labels: NDArray[Any]) -> NDArray[Any]:
    """Label numbers: of one-hot rows [N, K], and of floats that are whole numbers."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        if ((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all():
            return np.asarray(np.argmax(labels, axis=1))
        raise DataError(
            f"labels are {labels.dtype} {list(labels.shape)}; allowed: one class per example"
        )
    if labels.dtype.kind == "f" and labels.size and (labels == np.floor(labels)).all():
        return labels.astype(np.int64)
    return labels


def _images(images: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Images uint8 [N, H, W, C], and a note if they were converted."""
    if images.ndim == 2 and images.shape[1:] and _square(images.shape[1]):
        images = images.reshape(len(images), *_square(images.shape[1]))
    if images.ndim not in (3, 4):
        raise DataError(
            f"images have shape {list(images.shape)}; allowed: [N, H, W], [N, H, W, C] or [N, C, "
            f"H, W]"
        )
    note = ""
    if images.ndim == 3:
        images = images[..., None]
    elif images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
        note = "images [N, C, H, W] were transposed to [N, H, W, C]"
    images = np.ascontiguousarray(images)
    if images.dtype == np.uint8:
        return images.astype(np.uint8, copy=False), note
    kind = images.dtype.kind
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    if kind in "iu" and low >= 0 and high <= 255:
        return images.astype(np.uint8), note
    if kind == "f" and low >= 0 and 1 < high <= 255 and (images == np.floor(images)).all():
        return images.astype(np.uint8), note
    if kind == "f" and low >= 0 and 0 < high <= 1:
        scaled = "pixels from 0 to 1 were multiplied by 255"
        return (images * 255).round().astype(np.uint8), f"{note}; {scaled}" if note else scaled
    raise DataError(
        f"images have dtype {images.dtype} with values from {low:g} to {high:g}; allowed: uint8 "
        f"with values 0 to 255, or fractions from 0 to 1; convert them first"
    )


def read_array_files(tree: FileTree, files: list[File]) -> Contents:
    """Arrays of one NPZ file, or of several files with one array each, by their names."""
    names = names_beside(tree, files[0].path.rpartition("/")[0])
    if len(files) == 1 and files[0].suffix == ".npz":
        arrays = read_npz(Path(files[0].name), files[0].source())
        return read_arrays(tree.name, files[0].name, arrays, names)
    together = {}
    for file in files:
        stem = file.parts[-1].rpartition(".")[0]
        inside = read_npz(Path(file.name), file.source(), single=True)
        if len(inside) == 1:
            together[stem] = next(iter(inside.values()))
        else:
            together |= {f"{stem}_{name}": array for name, array in inside.items()}
    return read_arrays(tree.name, str(tree.root), together, names)


def _square(values: int) -> tuple[int, ...]:
    from dressform.data.pixel_table import image_shape

    return image_shape(values) or ()


def read_archive(path: Path) -> dict[str, Dataset]:
    """Every split of an NPZ file as a dataset.

    Raises:
        DataError: the file is not NPZ or is pickled, or arrays are missing or of the wrong type.
    """
    contents = read_arrays(path.stem, str(path), read_npz(path), None)
    names = contents.ordered_names()
    return {
        split: dataset_of(part, np.asarray(part.images), names)
        for split, part in contents.parts.items()
    }


def write_archive(path: Path, splits: DatasetSplits) -> None:
    """Write all splits to an NPZ file, which :func:`read_arrays` reads back unchanged."""
    arrays: dict[str, NDArray[Any]] = {"class_names": np.array(splits.class_names)}
    for split, dataset in splits:
        arrays |= {
            f"{split}_images": dataset.images,
            f"{split}_labels": dataset.labels,
            f"{split}_ids": dataset.ids,
        }
        if dataset.groups is not None:
            arrays[f"{split}_groups"] = dataset.groups
    write_npz(path, arrays)
