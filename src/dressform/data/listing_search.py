"""`find_listings`: the tables of a tree that list its images, and what they mean beside class
folders.
"""

import json
import re
import zlib
from dataclasses import dataclass, field

from dressform.core.errors import DataError
from dressform.data.contents import Contents, such_as
from dressform.data.file_tree import File, FileTree
from dressform.data.image import SUFFIXES as IMAGE_SUFFIXES
from dressform.data.image_index import ImageIndex
from dressform.data.labels import NAMES_FILES
from dressform.data.listing import (
    find_columns,
    label_candidates,
    lists_images,
    names_label,
    read_listings,
    repeats,
)
from dressform.data.listing_rows import lost_images
from dressform.data.listing_table import SUFFIXES as TABLE_SUFFIXES
from dressform.data.listing_table import ListingTable, read_listing_table
from dressform.data.read_options import ReadOptions
from dressform.data.table_columns import Columns, are_answers

SUBMISSION = "ignored {}, by its name a sample of answers to submit"
_ANSWERS = (
    "ignored {}, by its columns a model's predictions and no labels; give it itself to take them "
    "for labels"
)
MAX_TABLE_SAMPLE = 40
"""Tables of a tree that are looked into."""
_START = 2**16
"""Bytes of a table that cannot be read in which names of images are searched."""
Listing = tuple[ListingTable, Columns]


@dataclass(frozen=True)
class Unusable:
    """A table that lists images of the tree, and why its labels cannot be had.

    Attributes:
        file: the table.
        reason: what to tell its owner.
        candidates: the same table with each column that may have the labels; none where it cannot
            be read.
    """

    file: File
    reason: DataError
    candidates: list[Listing] = field(default_factory=list)


@dataclass
class FoundListings:
    """What the tables of a tree are.

    Attributes:
        usable: those that list its images with labels.
        unusable: those that list its images, and cannot be used.
        lost: why those are not used whose images are not in the tree.
        problem: why a table that mentions images is none of these, or None.
        notes: for the user.
    """

    usable: list[Listing] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    lost: list[DataError] = field(default_factory=list)
    problem: DataError | None = None
    notes: list[str] = field(default_factory=list)


def find_listings(tree: FileTree, options: ReadOptions) -> FoundListings:
    """Look for tables that list a tree's images with labels."""
    found, unlabelled = FoundListings(), list[str]()
    tables = sorted(tables_of(tree, TABLE_SUFFIXES), key=lambda file: len(file.parts))
    if not tables:
        return found
    found.notes += not_looked_into(tables)
    index = ImageIndex(tree)
    for file in tables[:MAX_TABLE_SAMPLE]:
        if is_submission(file):
            found.notes.append(SUBMISSION.format(file.path))
            continue
        table: ListingTable | None = None
        try:
            table = read_listing_table(file)
            if are_answers(table.columns):
                found.notes.append(_ANSWERS.format(file.path))
                continue
            columns = find_columns(table, index, options)
        except DataError as error:
            if table is None and _names_images(file, index):
                found.unusable.append(Unusable(file, error))
            elif table is not None and lists_images(table, index):
                candidates = label_candidates(table, index)
                if candidates:
                    found.unusable.append(
                        Unusable(file, error, [(table, columns) for columns in candidates])
                    )
                else:
                    unlabelled.append(file.path)
            elif not _mentions_images(file):
                continue
            found.problem = found.problem or error
            continue
        if columns is not None:
            found.usable.append((table, columns))
        elif lists_images(table, index):
            unlabelled.append(file.path)
        elif (lost := lost_images(table, index)) is not None:
            found.lost.append(lost)
    if unlabelled:
        found.notes.append(f"tables without labels were ignored: {such_as(unlabelled)}")
    return found


def tables_of(tree: FileTree, suffixes: tuple[str, ...]) -> list[File]:
    """Files that may be tables; those with names of classes are none."""
    return [f for f in tree.files if f.suffix in suffixes and f.parts[-1] not in NAMES_FILES]


def not_looked_into(tables: list[File]) -> list[str]:
    """A note on the tables that are too many to look into."""
    more = [file for file in tables[MAX_TABLE_SAMPLE:] if file.suffix != ".txt"]
    shown = such_as([file.path for file in more])
    return [f"ignored all tables but the first {MAX_TABLE_SAMPLE}: {shown}"] if more else []


def is_submission(file: File) -> bool:
    """Whether a table is a competition's example of answers, which are no labels."""
    return "submission" in file.parts[-1].lower()


def _mentions_images(file: File) -> bool:
    """Whether the beginning of a table mentions files of images."""
    start = _start(file).lower()
    return any(suffix in start for suffix in IMAGE_SUFFIXES)


def _start(file: File) -> str:
    try:
        start = file.read(_START)
        if start[:2] == b"\x1f\x8b":
            start = zlib.decompressobj(31).decompress(start, _START)
    except (DataError, zlib.error):
        return ""
    return start.decode("utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")


def _names_images(file: File, index: ImageIndex) -> bool:
    """Whether the lines of a table that cannot be read name images of the tree."""
    if file.suffix == ".json" and _is_document(file):
        return False
    lines = [line for line in _start(file).splitlines() if line.strip()]
    cells = {cell.strip() for line in lines for cell in re.split('[,;|"\x00-\x1f]', line)}
    files = {cell for cell in cells if cell.lower().endswith(IMAGE_SUFFIXES)}
    if files and file.suffix != ".txt":
        return 2 * sum(bool(index.find(cell, file)) for cell in files) >= len(files)
    named = {cell for cell in cells if not cell.isdigit() and index.find(cell, file)}
    return 2 * len(named) >= len(lines) > 2


def _is_document(file: File) -> bool:
    """Whether a file is JSON, and so no table with a mistake but another kind of document."""
    try:
        json.loads(file.read())
    except (DataError, ValueError, RecursionError):
        return False
    return True


def check_unusable(found: FoundListings, tree: FileTree, folders: Contents | None) -> None:
    """Check that no table that lists the images is passed over for the names of folders.

    Args:
        found: the tables; a note is added for each that does not matter.
        tree: with the images.
        folders: the same images by class folders, or None.

    Raises:
        DataError: one is; the message says why it cannot be used.
    """
    for one in found.unusable:
        if one.candidates and found.usable:
            found.notes.append(f"ignored {one.file.path}: {one.reason}")
        elif folders is not None and any(_confirms(c, tree, folders) for c in one.candidates):
            found.notes.append(_also(one.file))
        elif folders is not None or found.usable:
            raise _refusal(one.file, one.reason, None if found.usable else folders)


def beside_folders(listing: Listing, tree: FileTree, folders: Contents) -> str:
    """A note on a table whose images are read by class folders.

    Raises:
        DataError: its labels are others, or cannot be used.
    """
    table, columns = listing
    surely = columns.label is None or names_label(columns)
    if not surely and not repeats(table.columns[columns.label or ""]):
        return _also(table.file)  # free text
    try:
        equal, different = _compared(listing, tree, folders)
    except DataError as error:
        if surely:
            raise _refusal(table.file, error, folders) from None
        return _also(table.file)
    if equal < different:
        raise DataError(
            f"{tree.root} can be read in two ways: the classes are the folders "
            f"{such_as(folders.ordered_names())}, or what {table.file.path} says; give "
            f"{table.file.name} itself for the table, or move it away"
        )
    return _also(table.file)


def _refusal(file: File, reason: DataError, folders: Contents | None) -> DataError:
    names = [] if folders is None else folders.ordered_names()
    purpose = f" to take the folders ({such_as(names)}) as classes" if len(names) > 1 else ""
    return DataError(f"{reason}, or move {file.parts[-1]} away{purpose}")


def _also(file: File) -> str:
    return (
        f"{file.path} also lists images; the classes are those of the folders "
        f"(giving {file.name} itself uses the table)"
    )


def _confirms(listing: Listing, tree: FileTree, folders: Contents) -> bool:
    """Whether a column that may have the labels says what the folders do."""
    try:
        equal, different = _compared(listing, tree, folders)
    except DataError:
        return False
    return equal > different


def _compared(listing: Listing, tree: FileTree, folders: Contents) -> tuple[int, int]:
    """How many images have the label of their folder in a table, and how many another.

    Raises:
        DataError: the table cannot be used.
    """
    by_folder = {
        i: comparable(label)
        for part in folders.parts.values()
        for i, label in zip(part.ids, part.labels, strict=True)
    }
    read = read_listings(tree, ImageIndex(tree), [listing])
    pairs = [
        comparable(label) == by_folder[i]
        for part in read.parts.values()
        for i, label in zip(part.ids, part.labels, strict=True)
        if i in by_folder
    ]
    return sum(pairs), len(pairs) - sum(pairs)


def comparable(name: str) -> str:
    """The letters and digits of a class's name, without case: tables and folders spell it their
    own ways.
    """
    return "".join(c for c in name.casefold() if c.isalnum())
