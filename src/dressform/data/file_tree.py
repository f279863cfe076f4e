"""`FileTree`: the files of a folder or inside an archive, before anything is decided about them."""

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dressform.core.errors import DataError
from dressform.data.leftovers import is_leftover

MAX_FILE_BYTES = 2**32
"""Largest file that is read from an archive."""
MAX_COMPRESSED_TAR_BYTES = 2**32
"""Decompressed bytes of a compressed TAR, which has to be held in memory."""
MAX_FILES = 5_000_000
MAX_DEPTH = 40
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
OTHER_ARCHIVES = {b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7z"}


class File:
    """A file of a tree.

    Attributes:
        path: below the tree's root, with ``/``.
        name: for messages.
        local: where it lies on the disk; None inside an archive.
    """

    __slots__ = ("_tree", "local", "name", "path")

    def __init__(self, tree: "FileTree", path: str, name: str, local: Path | None) -> None:
        self._tree, self.path, self.name, self.local = tree, path, name, local

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the name."""
        return tuple(self.path.split("/"))

    @property
    def suffix(self) -> str:
        """In lower case, with its dot; without ``.gz``."""
        name = self.path.rpartition("/")[2].lower().removesuffix(".gz")
        return PurePosixPath(name).suffix

    def source(self) -> Path | bytes:
        """What an image is decoded from: a path, or the bytes inside an archive.

        Raises:
            DataError: it cannot be read.
        """
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
            raise DataError(f"{self.name} may not be read; check its permissions") from None
        except OSError as error:
            raise DataError(f"{self.name} cannot be read: {error.strerror or error}") from None


@dataclass(eq=False)
class FileTree:
    """The files below a root, sorted by path.

    Attributes:
        root: the folder or archive.
        files: all but leftovers.
        leftovers: paths of what other programs left: whole folders as one.
        empty: paths of folders without any file.
        broken: (path, reason) of what is no file: links to nothing or to themselves, sockets.
    """

    root: Path
    files: list[File] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    _zip: zipfile.ZipFile | None = None
    _tar: tarfile.TarFile | None = None
    _members: dict[str, zipfile.ZipInfo | tarfile.TarInfo] = field(default_factory=dict)
    _contents: dict[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the folder, or of the archive without its suffix."""
        name = self.root.resolve().name or "data"
        suffix = archive_suffix(self.root)
        return name[: -len(suffix)] if suffix and self._is_archive else name

    @property
    def _is_archive(self) -> bool:
        return self._zip is not None or self._tar is not None

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
        if path in self._contents:
            return self._contents[path][:most]
        member = self._members[path]
        size = member.file_size if isinstance(member, zipfile.ZipInfo) else member.size
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{name} declares {size:,} bytes; allowed: at most {MAX_FILE_BYTES:,}; unpack "
                f"{self.root.name} first"
            )
        try:
            if isinstance(member, zipfile.ZipInfo):
                assert self._zip is not None
                with self._zip.open(member) as file:
                    content = file.read(size + 1 if most is None else most)
            else:
                assert self._tar is not None
                extracted = self._tar.extractfile(member)
                content = (
                    b"" if extracted is None else extracted.read(size if most is None else most)
                )
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError) as error:
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


def open_tree(path: Path) -> FileTree:
    """List the files of a folder or an archive.

    Args:
        path: a folder, a ZIP or a TAR file.

    Raises:
        DataError: it cannot be read, or is no such archive.
    """
    tree = FileTree(path)
    if path.is_dir():
        _walk(tree, path, "", (), 0)
    elif archive_suffix(path) == ".zip":
        _open_zip(tree)
    else:
        _open_tar(tree)
    tree.files.sort(key=lambda file: file.parts)
    return tree


def _walk(
    tree: FileTree, folder: Path, below: str, above: tuple[tuple[int, int], ...], depth: int
) -> bool:
    """Take in a folder; whether it holds any file that is no leftover."""
    try:
        status = folder.stat()
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except PermissionError:
        raise DataError(f"{folder} may not be read; check its permissions") from None
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
            if not _walk(tree, folder / entry.name, path, (*above, here), depth + 1):
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


def _clean(name: str) -> str | None:
    """A member's name as a path below the root; None where it would lead out of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and len(parts[0]) == 2 and parts[0][1] == ":":
        parts = parts[1:]
    return None if ".." in parts or not parts else "/".join(parts)


def _take(tree: FileTree, name: str, member: zipfile.ZipInfo | tarfile.TarInfo) -> None:
    path = _clean(name)
    if path is None:
        tree.broken.append((name, "a path that leads out of the archive"))
        return
    parts = path.split("/")
    leftover = next((i for i, part in enumerate(parts) if is_leftover(part)), None)
    if leftover is not None:
        whole = "/".join(parts[: leftover + 1])
        if whole not in tree.leftovers[-1:]:
            tree.leftovers.append(whole)
        return
    if path in tree._members:
        return  # the last of several members with one name counts, as for unzip
    tree._members[path] = member
    tree.add(path, None)


def _open_zip(tree: FileTree) -> None:
    root = tree.root
    try:
        archive = zipfile.ZipFile(root)
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise _no_archive(root, "ZIP", error) from None
    tree._zip = archive
    for member in reversed(members):
        name = _zip_name(member)
        if member.is_dir() or name.endswith("\\"):
            continue
        if member.flag_bits & 0x1:
            raise DataError(f"{root} is encrypted; unpack it with its password and give the folder")
        mode = member.external_attr >> 16
        if mode and stat.S_ISLNK(mode):
            tree.broken.append((name, "a link inside an archive"))
            continue
        _take(tree, name, member)
    tree.leftovers = list(dict.fromkeys(tree.leftovers))


def _zip_name(member: zipfile.ZipInfo) -> str:
    """macOS writes UTF-8 without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.orig_filename.split("\0")[0].encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename


def _open_tar(tree: FileTree) -> None:
    root = tree.root
    try:
        archive = tarfile.open(root)  # noqa: SIM115 - read for as long as the tree lives
        members = archive.getmembers()
    except (tarfile.TarError, OSError, ValueError, EOFError, zlib.error) as error:
        raise _no_archive(root, "TAR", error) from None
    tree._tar = archive
    for member in reversed(members):
        if member.isdir():
            continue
        if not member.isfile():
            tree.broken.append((member.name, "a link or device inside an archive"))
            continue
        _take(tree, member.name, member)
    tree.leftovers = list(dict.fromkeys(tree.leftovers))
    if archive_suffix(root) != ".tar":
        _hold(tree, members)


def _hold(tree: FileTree, members: list[tarfile.TarInfo]) -> None:
    """Read a compressed TAR once, in its own order: it cannot be read at random."""
    total = sum(member.size for member in members if member.isfile())
    if total > MAX_COMPRESSED_TAR_BYTES:
        raise DataError(
            f"{tree.root} holds {total:,} bytes, and a compressed TAR has to fit in memory "
            f"(allowed: {MAX_COMPRESSED_TAR_BYTES:,}); unpack it, or make a ZIP of it"
        )
    path_of = {id(member): path for path, member in tree._members.items()}
    for member in members:
        if id(member) in path_of:
            path = path_of[id(member)]
            tree._contents[path] = tree.read_member(path, f"{tree.root}/{path}")


def _no_archive(root: Path, kind: str, error: Exception) -> DataError:
    with root.open("rb") as file:
        start = file.read(8)
    other = next((name for magic, name in OTHER_ARCHIVES.items() if start.startswith(magic)), None)
    if other:
        return DataError(f"{root} is a {other} archive; unpack it, or make a ZIP of it")
    if not start:
        return DataError(f"{root} is empty; copy it again")
    return DataError(f"{root} is no {kind} archive, or is damaged ({error}); copy it again")


def folders_of(files: list[File]) -> Iterator[str]:
    """The folders that hold files directly, each once, sorted."""
    yield from sorted({file.path.rpartition("/")[0] for file in files})
