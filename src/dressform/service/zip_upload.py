"""`open_zip`: an uploaded ZIP file as macOS, Windows and others make them, within bounds."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dressform.core.errors import DataError, DressformError
from dressform.data.archive_tree import open_tree
from dressform.data.file_tree import File, FileTree
from dressform.service.errors import TooLargeError
from dressform.service.settings import ServiceSettings
from dressform.service.tree_labels import TreeLabels, is_table, labels_of
from dressform.service.uploads import IncomingFile

DIRECTORY_ENTRY = b"PK\x01\x02"
MAX_ENTRY = 1024
"""Bytes that an entry of a ZIP's directory may take on average."""
ENTRIES_PER_FILE = 3
"""macOS adds an entry of its own for every file, and folders are entries too."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What operating systems write. Others, such as LZMA, may ask for gigabytes of memory."""


@dataclass(frozen=True)
class ZipUpload:
    """The files of an uploaded ZIP.

    Attributes:
        files: read one by one.
        left_out: what programs left there, such as ``__MACOSX`` and ``Thumbs.db``, and tables that
            were not used.
        notes: on how it was read, one line each.
    """

    files: Iterator[IncomingFile]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def open_zip(
    path: Path, settings: ServiceSettings, label: str | None, *, folders: bool
) -> Iterator[ZipUpload]:
    """Open an uploaded ZIP.

    Args:
        path: where it was written to; its name ends in ``.zip``.
        settings: the limits.
        label: class of all images; None: as tables and folders say.
        folders: whether folders are classes. A table in the ZIP that lists its images says more
            than they do.

    Raises:
        DataError: it is no ZIP, damaged or encrypted, or has a table of labels that cannot be used.
        TooLargeError: it has too many files, or unpacks to too many bytes.
    """
    _check_directory(path, settings)
    try:
        tree = open_tree(path)
    except DataError as error:
        raise DataError(_without(path, str(error))) from None
    try:
        _check_size(tree, settings)
        if label is None:
            try:
                labels = labels_of(tree, folders=folders)
            except DataError as error:
                raise DataError(_without(path, str(error))) from None
        else:
            tables = [file.path for file in tree.files if is_table(file)]
            labels = TreeLabels(dict.fromkeys((f.path for f in tree.files), label), left_out=tables)
        files = _files(tree, labels, settings)
        notes = tuple(_without(path, note) for note in labels.notes)
        yield ZipUpload(files, (*tree.leftovers, *labels.left_out), notes)
    finally:
        if tree.zip is not None:
            tree.zip.close()


def _files(tree: FileTree, labels: TreeLabels, settings: ServiceSettings) -> Iterator[IncomingFile]:
    for name, reason in tree.broken:
        yield IncomingFile(name=name, content=DataError(f"{name} is {reason}; it is left out"))
    for name, error in labels.refused:
        message = type(error)(_without(tree.root, str(error)))
        yield IncomingFile(name=name, content=message)
    for file in tree.files:
        if file.path in labels.tables or is_table(file):
            continue
        content: bytes | DressformError
        try:
            content = _content(file, settings)
        except DressformError as error:
            content = error
        yield IncomingFile(name=file.path, content=content, label=labels.classes.get(file.path))


def _content(file: File, settings: ServiceSettings) -> bytes:
    if file.size > settings.max_image:
        raise TooLargeError(
            f"{file.path} has {file.size:,} bytes; allowed: {settings.max_image:,}; save it smaller"
        )
    if file.suffix == ".zip":
        raise DataError(f"{file.path} is a ZIP inside the ZIP; unpack it, and upload it by itself")
    try:
        return file.read()
    except DressformError as error:
        # A long name stands shortened in the message, after the path on this machine.
        place = file.name.removesuffix(file.path)
        raise type(error)(str(error).replace(place, "")) from None


def _check_directory(path: Path, settings: ServiceSettings) -> None:
    """Refuse a directory that would not fit into memory, before it is read."""
    with path.open("rb") as file:
        try:
            end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        except OSError:
            end = None
        if end is None:
            return  # open_tree says what it is instead
        size, most = int(end[5]), ENTRIES_PER_FILE * settings.max_files
        if size <= most * MAX_ENTRY:
            file.seek(max(0, int(end[9]) - size))
            if file.read(size).count(DIRECTORY_ENTRY) <= most:
                return
    raise TooLargeError(
        f"the ZIP has more than {settings.max_files:,} files, which is the limit; upload several"
    )


def _check_size(tree: FileTree, settings: ServiceSettings) -> None:
    if len(tree.files) > settings.max_files:
        raise TooLargeError(
            f"the ZIP has {len(tree.files):,} files; allowed: {settings.max_files:,}; upload "
            f"several"
        )
    total = sum(file.size for file in tree.files)
    if total > settings.max_unpacked:
        raise TooLargeError(
            f"the ZIP unpacks to {total:,} bytes; allowed: {settings.max_unpacked:,}; upload "
            f"several"
        )
    for path, member in tree.members.items():
        if isinstance(member, zipfile.ZipInfo) and member.compress_type not in METHODS:
            raise DataError(
                f"{path} is compressed by method {member.compress_type}; allowed: stored and "
                f"deflated; make the ZIP with your operating system's own program"
            )


def _without(path: Path, message: str) -> str:
    """A message without the path on this machine."""
    for place in (str(path), path.name):
        message = message.replace(f"{place}/", "").replace(place, "the ZIP")
    return message
