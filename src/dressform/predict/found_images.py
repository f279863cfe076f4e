"""`find_images`: the image files at paths, and a count of everything that is left out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.image import ALLOWED, SUFFIXES, starts_like_image
from dressform.data.leftovers import RUN_FILES, is_leftover, shows_runs

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
"""Suffixes of files that are surely no image."""


@dataclass
class FoundImages:
    """The image files at some paths, and what is no image.

    Attributes:
        paths: in the order of the arguments, folders sorted by name; each once.
        repeated: how many were given more than once.
        others: files of no image form, such as tables; the first is ``other``.
        leftovers: hidden files and what archives and systems leave behind; the first is
            ``leftover``.
        loops: links to a folder around them; the first is ``loop``.
        runs: folders of dressform's runs; the first is ``run``.
    """

    paths: list[Path]
    repeated: int = 0
    others: int = 0
    other: str = ""
    leftovers: int = 0
    leftover: str = ""
    loops: int = 0
    loop: str = ""
    runs: int = 0
    run: str = ""

    def notes(self) -> list[str]:
        """What was left out, a line for each kind."""
        lines = []
        for count, first, one, many in (
            (self.others, self.other, "file that is not an image", "files that are not images"),
            (
                self.leftovers,
                self.leftover,
                "hidden file or leftover of another program",
                "hidden files or leftovers of other programs",
            ),
            (
                self.loops,
                self.loop,
                "link to a folder that contains it",
                "links to folders that contain them",
            ),
            (
                self.runs,
                self.run,
                "folder of dressform's runs",
                "folders of dressform's runs",
            ),
        ):
            if count == 1:
                lines.append(f"left out: 1 {one} ({first})")
            elif count:
                lines.append(f"left out: {count:,} {many} (such as {first})")
        if self.repeated:
            what = "1 image was" if self.repeated == 1 else f"{self.repeated:,} images were"
            lines.append(f"{what} given more than once; each has one answer")
        return lines


def find_images(paths: Sequence[str]) -> FoundImages:
    """The image files at paths. Folders are searched recursively, links to folders too.

    A file in a folder counts as an image if its suffix or its first bytes say so; one that cannot
    be read, or a link to nothing, is in the list too, so that it gets an error.

    Raises:
        DataError: a path does not exist, a folder may not be read, a folder has no images, or a
            file is a table.
    """
    found, seen = FoundImages([]), set[str]()
    for text in paths:
        path = user_path(text)
        if not path.is_dir():
            if not os.path.lexists(path):
                raise DataError(f"{text} does not exist; give image files or folders of them")
            if path.suffix.lower() in TABLES:
                raise DataError(
                    f"{text} is a table; predict takes images; for labelled images use evaluate "
                    f"with data="
                )
            inside = [path]
        else:
            inside = _images_in(path, found)
            if not inside:
                raise DataError(
                    f"folder {text} has no images; allowed: {ALLOWED}"
                    + "".join(f"; {line}" for line in found.notes())
                )
        for image in inside:
            found.repeated += str(image) in seen
            if str(image) not in seen:
                seen.add(str(image))
                found.paths.append(image)
    return found


def _images_in(folder: Path, found: FoundImages) -> list[Path]:
    images = []
    for name, subfolders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        here = Path(name)
        if here != folder and any(_shows_runs(here / file) for file in RUN_FILES if file in files):
            found.runs += 1
            found.run = found.run or name
            subfolders.clear()
            continue
        for subfolder in sorted(subfolders):
            if is_leftover(subfolder):
                found.leftovers += 1
                found.leftover = found.leftover or str(here / subfolder)
            elif _is_loop(here / subfolder, folder):
                found.loops += 1
                found.loop = found.loop or str(here / subfolder)
            else:
                continue
            subfolders.remove(subfolder)
        for file in sorted(files):
            if is_leftover(file):
                found.leftovers += 1
                found.leftover = found.leftover or str(here / file)
            elif _is_image(here / file):
                images.append(here / file)
            else:
                found.others += 1
                found.other = found.other or str(here / file)
    return sorted(images)


def _is_loop(folder: Path, root: Path) -> bool:
    """Whether a link leads to a folder that contains it, or to one that the way from ``root`` to it
    has passed: two folders may link to each other.
    """
    if not folder.is_symlink():
        return False
    passed = [parent for parent in folder.parents if parent.is_relative_to(root)]
    try:
        target = folder.resolve()
        return any(parent.resolve().is_relative_to(target) for parent in passed)
    except (OSError, RuntimeError):
        return True


def _is_image(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        return True
    if not path.is_file():
        return False
    try:
        start = _start_of(path, 16)
    except OSError:
        return False
    return starts_like_image(start)


def _shows_runs(path: Path) -> bool:
    try:
        return shows_runs(path.name, lambda most: _start_of(path, most))
    except OSError:
        return False


def _start_of(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be searched: {error.strerror or error}")
