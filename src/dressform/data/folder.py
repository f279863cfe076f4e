"""A folder of class sub-folders of pictures, with or without train, validation and test folders
above them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset
from dressform.data.image import fit, is_grey, is_hidden, open_picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
LARGEST_KEPT_SIDE = 128
DEFAULT_SIDE = 64


@dataclass(frozen=True)
class Listing:
    """The picture files of one split, in a stable order."""

    class_names: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    ignored: tuple[Path, ...]


def split_folders(folder: Path) -> dict[str, Path]:
    """Map ``train``, ``validation`` and ``test`` to sub-folders; without any, the folder itself is
    ``train``.

    Raises:
        DataError: there are split folders but none for training, or two for one split.
    """
    found: dict[str, Path] = {}
    for child in sorted(p for p in folder.iterdir() if p.is_dir()):
        split = SPLIT_FOLDERS.get(child.name.lower())
        if not any(p.is_dir() and not p.name.startswith(".") for p in child.iterdir()):
            continue  # a class that happens to be called train holds pictures, not class folders
        if split and split in found:
            raise DataError(f"{folder} has both {found[split].name} and {child.name}; keep one")
        if split:
            found[split] = child
    if found and "train" not in found:
        raise DataError(
            f"{folder} has {', '.join(p.name for p in found.values())} but no train folder; add one"
        )
    return found or {"train": folder}


def list_pictures(folder: Path) -> Listing:
    """List the pictures of every class sub-folder.

    Raises:
        DataError: no sub-folders, or one without pictures.
    """
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise DataError(
            f"{folder} has no sub-folders; put the pictures of each class into a sub-folder named "
            f"like the class"
        )
    paths: list[Path] = []
    labels: list[int] = []
    ignored: list[Path] = []
    for label, class_folder in enumerate(classes):
        files = sorted(
            p for p in class_folder.rglob("*") if p.is_file() and not is_hidden(p, class_folder)
        )
        pictures = [p for p in files if p.suffix.lower() in SUFFIXES]
        ignored += [p for p in files if p.suffix.lower() not in SUFFIXES]
        if not pictures:
            raise DataError(
                f"class folder {class_folder} has no pictures; add {', '.join(SUFFIXES)} files or "
                f"remove the folder"
            )
        for picture in pictures:
            try:
                str(picture).encode()
            except UnicodeEncodeError:
                raise DataError(
                    f"{str(picture)!a} has a name that is not UTF-8; rename it"
                ) from None
        paths += pictures
        labels += [label] * len(pictures)
    return Listing(tuple(p.name for p in classes), tuple(paths), tuple(labels), tuple(ignored))


def read_folder(
    folder: Path, image_size: int | None = None
) -> tuple[dict[str, Dataset], list[str]]:
    """Read every split of a folder.

    Args:
        folder: class sub-folders, or split folders with class sub-folders in each.
        image_size: side in pixels that every picture is fitted to; default: the size of the
            pictures where all have the same and none is larger than 128, else 64.

    Returns:
        split name -> dataset (grey when no picture has colour, else RGB), and notes for the user.

    Raises:
        DataError: an empty class folder, splits with different classes, or unreadable pictures (the
            first three are named).
    """
    folders = split_folders(folder)
    listings = {split: list_pictures(path) for split, path in folders.items()}
    names = listings["train"].class_names
    for split, listing in listings.items():
        if not set(listing.class_names) <= set(names):
            extra = sorted(set(listing.class_names) - set(names))
            raise DataError(
                f"{folder}: {split} has class {extra[0]!r}, which train does not have; make the "
                f"folders agree"
            )
    height, width, note = _common_size(
        [p for listing in listings.values() for p in listing.paths], image_size
    )
    pixels, colour = {}, False
    for split, listing in listings.items():
        pixels[split], has_colour = _read_all(listing.paths, height, width)
        colour |= has_colour
    channels = 3 if colour else 1
    datasets = {}
    for split, listing in listings.items():
        labels = np.array(
            [names.index(listing.class_names[label]) for label in listing.labels], dtype=np.int64
        )
        ids = np.array([p.relative_to(folder).as_posix() for p in listing.paths])
        datasets[split] = Dataset(pixels[split][..., :channels], labels, ids, names)
    notes = [note] if note else []
    if folders["train"] != folder:
        beside = sorted(
            p.name
            for p in folder.iterdir()
            if p.is_dir() and p not in folders.values() and not p.name.startswith(".")
        )
        if beside:
            notes.append(
                f"folders beside {folders['train'].name} were left out: {', '.join(beside)}"
            )
    loose = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if loose:
        notes.append(
            f"files beside the class folders were left out: "
            f"{', '.join(loose[:5])}{', …' if len(loose) > 5 else ''}"
        )
    ignored = [p for listing in listings.values() for p in listing.ignored]
    if ignored:
        notes.append(
            f"{len(ignored)} files are not pictures and were left out, such as "
            f"{ignored[0].relative_to(folder)}"
        )
    return datasets, notes


def _common_size(paths: list[Path], image_size: int | None) -> tuple[int, int, str]:
    if image_size is not None:
        return image_size, image_size, f"pictures fitted to {image_size} x {image_size}"
    sizes = set()
    for path in paths:
        try:
            with Image.open(path) as image:  # reads the header only
                sizes.add(image.size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # reported with its reason when it is decoded
    if len(sizes) == 1 and max(next(iter(sizes))) <= LARGEST_KEPT_SIDE:
        width, height = next(iter(sizes))
        return height, width, ""
    return (
        DEFAULT_SIDE,
        DEFAULT_SIDE,
        f"pictures fitted to {DEFAULT_SIDE} x {DEFAULT_SIDE}; --image-size chooses another size",
    )


def _read_all(paths: tuple[Path, ...], height: int, width: int) -> tuple[np.ndarray, bool]:
    pixels = np.empty((len(paths), height, width, 3), np.uint8)
    colour, bad = False, []
    for i, path in enumerate(paths):
        try:
            image = open_picture(path, draft=2 * max(height, width))
        except DataError as error:
            bad.append(str(error))
            continue
        pixels[i] = fit(image, (height, width, 3))
        colour = colour or not is_grey(image)
    if bad:
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        raise DataError(
            f"{len(bad)} of {len(paths)} pictures cannot be used: {'; '.join(bad[:3])}{more}"
        )
    return pixels, colour
