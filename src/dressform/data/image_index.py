"""`ImageIndex`: the images of a tree by what a table may call them."""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from dressform.core.errors import DataError
from dressform.data.contents import such_as
from dressform.data.file_tree import File, FileTree
from dressform.data.image import SUFFIXES
from dressform.data.split_names import split_of_name, split_words

_Called = tuple[str, str]
"""Kind of name, and name."""


class ImageIndex:
    """Finds images by path, name, name without suffix, or number.

    Args:
        tree: with the images.

    Attributes:
        root: where they are, for messages.
        images: all of them.
    """

    def __init__(self, tree: FileTree) -> None:
        self.root = tree.root
        self._tree = tree
        self.images = [file for file in tree.files if file.is_image]
        self._suffixes = {file.suffix for file in self.images}
        self._paths: dict[str, list[File]] = {}
        self._called: dict[_Called, list[File]] = {}
        for file in self.images:
            path = _key(file.path)
            self._paths.setdefault(path, []).append(file)
            for called in _called(path):
                self._called.setdefault(called, []).append(file)
        self._below: dict[_Called, dict[tuple[str, ...], list[File]]] = {}
        self._nearest: dict[tuple[_Called, int, str], list[File]] = {}
        self._outside: dict[str, File] = {}

    def find(self, value: str, table: File) -> Sequence[File]:
        """The images that a cell may mean, best first; several mean that it is not clear.

        Args:
            value: the cell: a path of any system, a name, or an id.
            table: that it stands in.
        """
        if value.count(";") and all(part.lower().endswith(SUFFIXES) for part in value.split(";")):
            return ()  # several images
        return self._find(value, table) or self._find(path_of_address(value), table)

    def _find(self, value: str, table: File) -> Sequence[File]:
        path = _key(value.strip().replace("\\", "/").removeprefix("./"))
        parts = [part for part in path.split("/") if part]
        if not parts:
            return ()
        beside = [_key(part) for part in table.parts[:-1]]
        for whole in ("/".join([*beside, *parts]), "/".join(parts)):
            if whole in self._paths:
                return _exact(self._paths[whole], value)
        found = self._like(parts, table)
        if not found and value.startswith("/") and self._tree.root.is_dir():
            return self._elsewhere(value.strip())
        return found

    def _like(self, parts: list[str], table: File) -> Sequence[File]:
        """Those with the name, the name without its suffix, or the number of a path, whose folders
        agree with most of its last folders; of several, the nearest to a table. Where no image has
        the path's suffix, all may have been saved in another form.
        """
        number = parts[-1].removesuffix(".0")
        known: list[_Called] = [("name", parts[-1]), ("stem", parts[-1])]
        if number.isascii() and number.isdigit() and len(number) < 19:
            known.append(("number", str(int(number))))
        stem, dot, suffix = parts[-1].rpartition(".")
        if dot + suffix in SUFFIXES and dot + suffix not in self._suffixes:
            known.append(("stem", stem))
        called = next((one for one in known if one in self._called), None)
        if called is None:
            return ()
        found, above = self._called[called], parts[:-1]
        if len(found) > 1 and above:
            if called not in self._below:
                self._below[called] = _by_last_folders(found)
            tails = (tuple(above[-depth:]) for depth in range(len(above), 0, -1))
            alike = (self._below[called].get(tail, []) for tail in tails)
            found = next(filter(None, alike), found)
        if len(found) < 2:
            return found
        place = called, id(found), table.path
        if place not in self._nearest:
            self._nearest[place] = _nearest(found, table)
        return self._nearest[place]

    def find_one(self, value: str, table: File) -> File | None:
        """The image that a cell means, or None.

        Raises:
            DataError: it may mean several.
        """
        found = self.find(value, table)
        if len(found) > 1:
            raise DataError(
                f"{table.name} has {value!r}, which may be {such_as([f.path for f in found])}; "
                f"write paths below {self.root} in place of names"
            )
        return found[0] if found else None

    def _elsewhere(self, value: str) -> Sequence[File]:
        """A file at an absolute path outside the tree."""
        path = Path(value)
        if value not in self._outside and path.suffix.lower() in SUFFIXES and path.is_file():
            self._outside[value] = File(self._tree, value, value, path)
        return (self._outside[value],) if value in self._outside else ()


def path_of_address(value: str) -> str:
    """The path in a web address: without what follows ``?``, and with ``%20`` as a blank."""
    return unquote(value.partition("?")[0])


def _key(path: str) -> str:
    """What is compared: without regard to case and to Unicode's several spellings."""
    return unicodedata.normalize("NFC", path).lower()


def _exact(files: list[File], value: str) -> list[File]:
    """Of files that differ in case alone, the one that is written the same way."""
    name = value.strip().replace("\\", "/").rpartition("/")[2]
    same = [file for file in files if file.parts[-1] == name]
    return same if len(same) == 1 else files


def _called(path: str) -> Iterator[_Called]:
    """What a file may be called: its name, the name without its suffix, and its number."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0]
    yield "name", name
    yield "stem", stem
    if stem.isascii() and stem.isdigit():
        yield "number", str(int(stem))


def _by_last_folders(files: list[File]) -> dict[tuple[str, ...], list[File]]:
    """Files by each number of the last folders above them."""
    found: dict[tuple[str, ...], list[File]] = {}
    for file in files:
        folders = [_key(part) for part in file.parts[:-1]]
        for depth in range(1, len(folders) + 1):
            found.setdefault(tuple(folders[-depth:]), []).append(file)
    return found


def _nearest(files: list[File], table: File) -> list[File]:
    """Those in the folder of the table's split (``train.csv`` and ``train/1.jpg``), or beside
    it.
    """
    splits = split_words(table.parts[-1].partition(".")[0])
    same = [f for f in files if any(split_of_name(part) in splits for part in f.parts[:-1])]
    if same:
        files = same
    below = [f for f in files if f.parts[: len(table.parts) - 1] == table.parts[:-1]]
    return below or files
