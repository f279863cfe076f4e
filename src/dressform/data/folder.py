"""Class folders of images, with or without train, validation and test folders above them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset
from dressform.data.image import fit, is_grey, is_hidden, open_image

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
MAX_ORIGINAL_SIDE = 128
DEFAULT_SIDE = 64


@dataclass(frozen=True)
class Listing:
    """The image files of one split, in a stable order."""

    class_names: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    ignored: tuple[Path, ...]


def split_folders(folder: Path) -> dict[str, Path]:
    """Map ``train``, ``validation`` and ``test`` to sub-folders; if there are none, the folder
    itself is ``train``.

    Raises:
        DataError: there are split folders but none for training, or two for the same split.
    """
    folders: dict[str, Path] = {}
    for child in sorted(p for p in folder.iterdir() if p.is_dir()):
        split = SPLIT_FOLDERS.get(child.name.lower())
        if not any(p.is_dir() and not p.name.startswith(".") for p in child.iterdir()):
            continue  # a class that happens to be called train holds images, not class folders
        if split and split in folders:
            raise DataError(f"{folder} has both {folders[split].name} and {child.name}; keep one")
        if split:
            folders[split] = child
    if folders and "train" not in folders:
        raise DataError(
            f"{folder} has {', '.join(p.name for p in folders.values())} but no train folder; add "
            f"one"
        )
    return folders or {"train": folder}


def list_images(folder: Path) -> Listing:
    """List the images of every class folder.

    Raises:
        DataError: there are no sub-folders, or one has no images.
    """
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise DataError(
            f"{folder} has no sub-folders; put the images of each class into a sub-folder named "
            f"after the class"
        )
    paths: list[Path] = []
    labels: list[int] = []
    ignored: list[Path] = []
    for label, class_folder in enumerate(classes):
        files = sorted(
            p for p in class_folder.rglob("*") if p.is_file() and not is_hidden(p, class_folder)
        )
        images = [p for p in files if p.suffix.lower() in SUFFIXES]
        ignored += [p for p in files if p.suffix.lower() not in SUFFIXES]
        if not images:
            raise DataError(
                f"class folder {class_folder} has no images; add {', '.join(SUFFIXES)} files or "
                f"remove the folder"
            )
        for image in images:
            try:
                str(image).encode()
            except UnicodeEncodeError:
                raise DataError(f"{str(image)!a} has a name that is not UTF-8; rename it") from None
        paths += images
        labels += [label] * len(images)
    return Listing(tuple(p.name for p in classes), tuple(paths), tuple(labels), tuple(ignored))


def read_folder(
    folder: Path, image_size: int | None = None
) -> tuple[dict[str, Dataset], list[str]]:
    """Read every split of a folder of images.

    Args:
        folder: class sub-folders, or split folders with class sub-folders in each.
        image_size: side in pixels that every image is fitted to; default: the common size of the
            images if they share one of at most 128, else 64.

    Returns:
        split name -> dataset (grey if no image has colour, else RGB), and notes for the user.

    Raises:
        DataError: an empty class folder, splits with different classes, or unreadable images (the
            first three are named).
    """
    folders = split_folders(folder)
    listings = {split: list_images(path) for split, path in folders.items()}
    names = listings["train"].class_names
    for split, listing in listings.items():
        if not set(listing.class_names) <= set(names):
            unknown = sorted(set(listing.class_names) - set(names))
            raise DataError(
                f"{folder}: {split} has class {unknown[0]!r}, which train does not have; give "
                f"both the same classes"
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
        extra_folders = sorted(
            p.name
            for p in folder.iterdir()
            if p.is_dir() and p not in folders.values() and not p.name.startswith(".")
        )
        if extra_folders:
            notes.append(
                f"folders next to {folders['train'].name} were ignored: {', '.join(extra_folders)}"
            )
    loose_files = sorted(
        p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")
    )
    if loose_files:
        notes.append(
            f"files next to the class folders were ignored: "
            f"{', '.join(loose_files[:5])}{', …' if len(loose_files) > 5 else ''}"
        )
    ignored = [p for listing in listings.values() for p in listing.ignored]
    if ignored:
        notes.append(
            f"{len(ignored)} files are not images and were ignored, such as "
            f"{ignored[0].relative_to(folder)}"
        )
    return datasets, notes


def _common_size(paths: list[Path], image_size: int | None) -> tuple[int, int, str]:
    if image_size is not None:
        return image_size, image_size, f"images fitted to {image_size} x {image_size}"
    sizes = set()
    for path in paths:
        try:
            with Image.open(path) as image:  # reads the header only
                sizes.add(image.size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # reported with its reason when it is decoded
    if len(sizes) == 1 and max(next(iter(sizes))) <= MAX_ORIGINAL_SIDE:
        width, height = next(iter(sizes))
        return height, width, ""
    return (
        DEFAULT_SIDE,
        DEFAULT_SIDE,
        f"images fitted to {DEFAULT_SIDE} x {DEFAULT_SIDE}; --image-size sets another size",
    )


def _read_all(paths: tuple[Path, ...], height: int, width: int) -> tuple[np.ndarray, bool]:
    pixels = np.empty((len(paths), height, width, 3), np.uint8)
    colour, errors = False, []
    for i, path in enumerate(paths):
        try:
            image = open_image(path, draft=2 * max(height, width))
        except DataError as error:
            errors.append(str(error))
            continue
        pixels[i] = fit(image, (height, width, 3))
        colour = colour or not is_grey(image)
    if errors:
        remainder = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        raise DataError(
            f"{len(errors)} of {len(paths)} images cannot be used: "
            f"{'; '.join(errors[:3])}{remainder}"
        )
    return pixels, colour
