"""Datasets in IDX files: MNIST's names of files, and those of its kin."""

import re
from dataclasses import dataclass

import numpy as np

from dressform.core.errors import DataError
from dressform.core.ordered_pool import map_in_order
from dressform.data import provenance
from dressform.data.contents import Contents, Part, numbered_ids, such_as
from dressform.data.file_tree import File, FileTree
from dressform.data.idx import read_pair
from dressform.data.labels import named_labels, names_beside

_NAME = re.compile(
    r"(?P<set>.*?)(?P<split>train|t10k|test|validation|valid|val)[-_](?P<kind>images|labels)"
    r"[-.]idx(?:[13]-ubyte|2-int)(?:\.gz)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class IdxSet:
    """The files of one dataset.

    Attributes:
        name: what their names begin with, such as ``emnist-letters-``; mostly empty.
        folder: below the tree's root.
        files: split -> images and labels.
    """

    name: str
    folder: str
    files: dict[str, tuple[File, File]]


def find_idx_sets(tree: FileTree) -> list[IdxSet]:
    """The datasets in IDX form in a tree, by folder and name.

    Raises:
        DataError: images are there without their labels, or the other way round.
    """
    found: dict[tuple[str, str], dict[str, dict[str, File]]] = {}
    for file in tree.files:
        folder, _, name = file.path.rpartition("/")
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        split = {"t10k": "test"}.get(match["split"].lower(), match["split"].lower())
        split = "validation" if split.startswith("val") else split
        kinds = found.setdefault((folder, match["set"]), {}).setdefault(split, {})
        kinds.setdefault(match["kind"].lower(), file)  # unpacked ones come before .gz
    sets = []
    for (folder, name), splits in sorted(found.items()):
        files = {}
        for split, kinds in splits.items():
            for kind, other in (("images", "labels"), ("labels", "images")):
                if other not in kinds:
                    raise DataError(
                        f"{tree.root / folder} has {kinds[kind].parts[-1]} but not its {other} "
                        f"file; put both there"
                    )
            files[split] = kinds["images"], kinds["labels"]
        sets.append(IdxSet(name, folder, files))
    return sets


def read_idx_set(tree: FileTree, found: IdxSet) -> Contents:
    """Read the images and labels of a dataset.

    Raises:
        DataError: a file is damaged or really MNIST, or there is none for train.
    """
    where = str(tree.root / found.folder) if found.folder else str(tree.root)
    arrays, known = {}, True
    pairs = map_in_order(
        lambda files: [read_pair(*pair) for pair in files],
        found.files.values(),
        1,
        len(found.files),
    )
    for split, (images, labels) in zip(found.files, pairs, strict=True):
        array = images.array
        if found.name.lower().startswith("emnist"):
            array = array.transpose(0, 2, 1)  # NIST's images lie on their side in these files
        arrays[split] = np.ascontiguousarray(array), labels.array.astype(np.int64)
        stem = {"test": "t10k"}.get(split, split)
        known &= (images.sha256, labels.sha256) == (
            provenance.FASHION_MNIST.get(f"{stem}-images"),
            provenance.FASHION_MNIST.get(f"{stem}-labels"),
        )
    if "train" not in arrays:
        raise DataError(
            f"{where} has no {found.name}train-images-idx3-ubyte and "
            f"{found.name}train-labels-idx1-ubyte (with or without .gz); add both"
        )
    names = (
        provenance.FASHION_MNIST_CLASSES
        if known
        else _emnist_names(tree, found) or names_beside(tree, found.folder)
    )
    labels_of, ordered = named_labels({s: y for s, (_, y) in arrays.items()}, where, names)
    parts = {}
    for split, (images_array, _) in arrays.items():
        ids = numbered_ids(split, len(images_array))
        parts[split] = Part(labels_of[split], ids, images_array)
    files = ", ".join(f.path for pair in found.files.values() for f in pair)
    reasons = [f"IDX files: {files}"]
    notes = []
    if found.name.lower().startswith("emnist"):
        reasons.append("EMNIST's images are stored on their side and were turned upright")
    others = [f.parts[-1] for f in tree.files if f.suffix == ".csv"]
    if others:
        notes.append(f"ignored files next to the IDX files: {such_as(others)}")
    return Contents(
        tree.name if not found.folder or not found.name else found.name.strip("-_"),
        parts,
        ordered,
        tuple(notes),
        tuple(reasons),
    )


def _emnist_names(tree: FileTree, found: IdxSet) -> tuple[str, ...] | None:
    """The characters of EMNIST's labels, from its ``…-mapping.txt``: label, code, code."""
    for file in tree.files:
        if found.name and file.parts[-1].lower() == f"{found.name.lower()}mapping.txt":
            rows = [
                line.split() for line in file.read(2**20).decode("ascii", "replace").split("\n")
            ]
            try:
                names = [chr(int(row[1])) for row in rows if len(row) >= 2]
            except (ValueError, OverflowError):
                return None
            return tuple(names) if len(set(names)) == len(names) else None
    return None
