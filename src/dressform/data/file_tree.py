"""`FileTree`: the files of a folder or inside an archive, before anything is decided about them."""

import lzma
import os
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dressform.core.errors import DataError
from dressform.core.text import one_line
from dressform.data.image import SUFFIXES, starts_like_image
from dressform.data.leftovers import is_leftover

MAX_IMAGE_BYTES = 2**28
"""Largest image that is read from an archive."""
MAX_FILE_BYTES = 2**32
"""Largest file that is read from an archive."""
MAX_FILES = 5_000_000
MAX_DEPTH = 40
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


class Extent(NamedTuple):
    """Where a file lies in an archive: first byte and number of bytes."""

    offset: int
    size: int


class File:
    """A file of a tree.

    Attributes:
        path: below the tree's root, with ``/``.
        name: for messages.
        local: where it lies on the disk; None inside an archive.
    """

    __slots__ = ("_image", "_tree", "local", "name", "path")

    def __init__(self, tree: "FileTree", path: str, name: str, local: Path | None) -> None:
        self._tree, self.path, self.name, self.local = tree, path, one_line(name), local
        self._image: bool | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the name."""
        return tuple(self.path.split("/"))

    @property
    def suffix(self) -> str:
        """In lower case, with its dot; without ``.gz``."""
        name = self.path.rpartition("/")[2].lower().removesuffix(".gz")
        dot = name.rfind(".")
        return name[dot:] if dot > 0 else ""

    @property
    def is_image(self) -> bool:
        """Whether it is an image by its suffix, or by its first bytes where there is none."""
        if self._image is None:
            self._image = self.suffix in SUFFIXES
            if not self.suffix:
                try:
                    self._image = starts_like_image(self.read(16))
                except DataError:
                    self._image = False
        return self._image

    @property
    def size(self) -> int:
        """Bytes, decompressed if it is in an archive; 0 if that cannot be told."""
        if self.local is None:
            member = self._tree.members[self.path]
            return member.file_size if isinstance(member, zipfile.ZipInfo) else member.size
        try:
            return self.local.stat().st_size
        except OSError:
            return 0

    def source(self) -> Path | bytes:
        """What an image is decoded from: a path, or the bytes inside an archive.

        Raises:
            DataError: it cannot be read, or is too large for an archive.
        """
        if self.local is None and self.size > MAX_IMAGE_BYTES:
            raise DataError(
                f"{self.name} has {self.size:,} bytes; allowed for an image in an archive: at most "
                f"{MAX_IMAGE_BYTES:,}; resize it"
            )
        return self.local if self.local is not None else self.read()

    def read(self, most: int | None = None) -> bytes:
        """The content, or its first ``most`` bytes.

        Raises:
            DataError: it cannot be read.
        """
        if self.local is None:
            return self._tree.read_member(self.path, self.name, most)
        try:
            with self.local.open("rb") as file:
                return file.read(-1 if most is None else most)
        except FileNotFoundError:
            raise DataError(f"{self.name} does not exist") from None
        except PermissionError:
            raise DataError(
                f"{self.name} cannot be read: permission denied; change its permissions"
            ) from None
        except OSError as error:
            raise DataError(f"{self.name} cannot be read: {error.strerror or error}") from None


@dataclass(eq=False)
class FileTree:
    """The files below a root, sorted by path.

    Attributes:
        root: the folder or archive.
        files: all but leftovers.
        leftovers: paths of what other programs left: whole folders as one.
        runs: paths of folders of dressform's runs, whose files are left out.
        empty: paths of folders without any file.
        broken: (path, reason) of what is no file: links to nothing or to themselves, sockets.
        zip: the archive, if it is a ZIP; closed with the tree.
        members: path -> where a file lies in the archive.
        contents: path -> content of a file, where an archive had to be read as a whole.
        strict: whether a folder that may not be read is an error.
    """

    root: Path
    files: list[File] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    zip: zipfile.ZipFile | None = None
    members: dict[str, zipfile.ZipInfo | Extent] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    strict: bool = True

    @property
    def name(self) -> str:
        """Of the folder, or of the archive without its suffix."""
        name = self.root.resolve().name or "data"
        suffix = archive_suffix(self.root)
        return name[: -len(suffix)] if suffix and not self.root.is_dir() else name

    def add(self, path: str, local: Path | None) -> None:
        """Take in a file; ``path`` is below the root."""
        name = str(local) if local is not None else f"{self.root}/{path}"
        if len(self.files) >= MAX_FILES:
            raise DataError(f"{self.root} has more than {MAX_FILES:,} files; give a smaller folder")
        self.files.append(File(self, path, name, local))

    def read_member(self, path: str, name: str, most: int | None = None) -> bytes:
        """The content of a file inside the archive.

        Raises:
            DataError: it is damaged, encrypted or too large.
        """
        if path in self.contents:
            return self.contents[path][:most]
        member = self.members[path]
        size = member.file_size if isinstance(member, zipfile.ZipInfo) else member.size
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{name} declares {size:,} bytes; allowed: at most {MAX_FILE_BYTES:,}; unpack "
                f"{self.root.name} first"
            )
        wanted = size if most is None else min(most, size)
        try:
            if isinstance(member, zipfile.ZipInfo):
                assert self.zip is not None
                with self.zip.open(member) as file:
                    content = file.read(wanted + (most is None))
            else:
                with self.root.open("rb") as raw:
                    raw.seek(member.offset)
                    content = raw.read(wanted)
            if len(content) < wanted:
                raise EOFError("the archive ends within it")
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, lzma.LZMAError) as error:
            raise DataError(f"{name} is damaged inside the archive ({error})") from None
        except (RuntimeError, NotImplementedError) as error:
            raise DataError(
                f"{name} cannot be read ({error}); unpack {self.root.name} first"
            ) from None
        except OSError as error:
            raise DataError(f"{name} cannot be read: {error.strerror or error}") from None
        if len(content) > size:
            raise DataError(f"{name} is longer than the archive declares ({size:,} bytes)")
        return content


def archive_suffix(path: Path) -> str:
    """The suffix of a ZIP or TAR file, or nothing."""
    name = path.name.lower()
    return next(
        (s for s in sorted(ARCHIVE_SUFFIXES, key=len, reverse=True) if name.endswith(s)), ""
    )


def walk(
    tree: FileTree, folder: Path, below: str, above: tuple[tuple[int, int], ...], depth: int
) -> bool:
    """Take in a folder; whether it holds any file that is no leftover."""
    try:
        status = folder.stat()
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except PermissionError:
        if below and not tree.strict:
            tree.broken.append((below, "a folder without permission to read it"))
            return True
        raise DataError(
            f"{folder} cannot be read: permission denied; change its permissions"
        ) from None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from None
    here = (status.st_dev, status.st_ino)
    if here in above or depth > MAX_DEPTH:
        reason = "a link to a folder that contains it" if here in above else "too deeply nested"
        tree.broken.append((below, reason))
        return True
    found = False
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if is_leftover(entry.name):
            tree.leftovers.append(path)
            continue
        found = True
        try:
            is_folder = entry.is_dir()
            regular = not is_folder and entry.is_file()
        except OSError:  # a link to itself
            is_folder = regular = False
        if is_folder:
            if not walk(tree, folder / entry.name, path, (*above, here), depth + 1):
                tree.empty.append(path)
        elif regular:
            tree.add(path, folder / entry.name)
        else:
            tree.broken.append((path, _why_no_file(entry)))
    return found


def _why_no_file(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "a link to nothing"
    mode = entry.stat(follow_symlinks=False).st_mode
    return "a pipe" if stat.S_ISFIFO(mode) else "a socket or device"
