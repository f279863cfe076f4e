"""`TreeLabels`: classes of uploaded images, by a table among them or by their folders."""

import csv
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from dressform.core.errors import DataError, DressformError
from dressform.core.text import counted, from_table_cell, one_line, shortened
from dressform.data.contents import such_as
from dressform.data.file_tree import File, FileTree
from dressform.data.image import SUFFIXES
from dressform.data.image_index import ImageIndex
from dressform.data.labels import NAMES_FILES, names_beside
from dressform.data.listing import find_columns, names_label, read_listings
from dressform.data.listing_search import MAX_TABLE_SAMPLE, comparable, is_submission
from dressform.data.listing_table import ListingTable, read_listing_table
from dressform.data.read_options import ReadOptions
from dressform.data.split_names import SPLITS, means_unlabelled, split_of_name, split_words
from dressform.data.table_columns import are_answers
from dressform.service.errors import NotFoundError

TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson")
MAYBE_TABLES = (".txt", ".json")
"""Files of these are tables only where they list images."""
MAX_LISTING = 20 * 2**20
"""Bytes of a table."""
NAMES_OF_IMAGES = ("image", "filename", "file")
"""Columns that can mean nothing else."""
MAX_COLUMNS = 1_000
MAX_MISSING = 100
"""Rows without an image that are told one by one."""


@dataclass
class TreeLabels:
    """What tables and folders say of the files of a tree.

    Attributes:
        classes: class of each file, by its path; None: unlabelled.
        tables: paths of tables whose rows are labels.
        left_out: paths of tables that were not used.
        refused: (name, reason) of rows without an image, and of tables that cannot be read.
        notes: for the user, one line each.
    """

    classes: dict[str, str | None] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    refused: list[tuple[str, DressformError]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Listing:
    """What one table says.

    Attributes:
        table: that was read.
        labels: class of each image that it lists, by its path; None where the cell is empty.
        missing: what it calls images that are not there.
        splits: that it names.
    """

    table: ListingTable
    labels: dict[str, str | None] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    splits: set[str] = field(default_factory=set)


def is_table(file: File) -> bool:
    """Whether a file is a table by its name. Compressed ones could unpack to any size."""
    return file.suffix in TABLES and not file.path.lower().endswith(".gz")


def labels_of(tree: FileTree, *, folders: bool = True) -> TreeLabels:
    """The class of each file of a tree.

    A table that lists images says more than their folders. Images without a row are unlabelled,
    unless folders name two or more classes, and mostly the same ones as the table.

    Args:
        tree: the files.
        folders: whether folders are classes.

    Raises:
        DataError: a table cannot be read or contradicts itself, and folders do not say it instead.
    """
    found, index = TreeLabels(), ImageIndex(tree)
    by_folder, splits = _by_folders([file for file in tree.files if not is_table(file)], index)
    names = {by_folder[file.path] for file in index.images} if folders else set()
    instead = len({name for name in names if name and not split_of_name(name)}) > 1
    labels: dict[str, str | None] = {}
    for file in _candidates(tree, found):
        try:
            listing = _read(file, index, tree, named=instead)
            if listing is not None:
                _check_agreement(labels, listing)
        except DataError as error:
            if not is_table(file):
                continue
            reason = DataError(str(error).replace("name it with label_column=", "call it label"))
            if not instead:
                raise reason from None
            found.refused.append((file.path, reason))
            continue
        if listing is not None:
            _tell(listing, found)
            labels = listing.labels | {path: label for path, label in labels.items() if label}
            splits |= listing.splits
        elif is_table(file):
            found.left_out.append(file.path)
            found.notes.append(f"{file.path} was not used: it does not say the labels of images")
    instead = instead and _agree(labels, by_folder)
    if folders and (instead or not found.tables):
        found.classes |= by_folder
    found.classes |= labels
    unlisted = [file.path for file in index.images if file.path not in labels]
    if found.tables and unlisted:
        count = counted(len(unlisted), "image has", "images have")
        how = "labelled by folder" if instead else "unlabelled"
        found.notes.append(
            f"{count} no row in {such_as(found.tables)}, so {how}: {such_as(unlisted, 5)}"
        )
    if len(splits) > 1:
        together = " and ".join(split for split in SPLITS if split in splits)
        found.notes.append(f"{together} were put together; a training holds out images of its own")
    return found


def _candidates(tree: FileTree, found: TreeLabels) -> list[File]:
    """The files that may be tables, those that are by their names first."""
    files = [file for file in tree.files if is_table(file)]
    maybe = [
        file
        for file in tree.files
        if file.suffix in MAYBE_TABLES
        and file.parts[-1] not in NAMES_FILES
        and not file.path.lower().endswith(".gz")
        and file.size <= MAX_LISTING
    ]
    several = [*sorted(files, key=_depth), *sorted(maybe, key=_depth)]
    more = [file.path for file in several[MAX_TABLE_SAMPLE:] if is_table(file)]
    if more:
        found.left_out += more
        found.notes.append(
            f"tables after the first {MAX_TABLE_SAMPLE} were not used: {such_as(more)}"
        )
    return several[:MAX_TABLE_SAMPLE]


def _depth(file: File) -> int:
    return len(file.parts)


def _read(file: File, index: ImageIndex, tree: FileTree, *, named: bool) -> _Listing | None:
    """What a table says; None if it does not list images with labels.

    Args:
        file: of the table.
        index: of the images.
        tree: that both are in.
        named: whether the column of labels has to be called so.

    Raises:
        DataError: it cannot be read, contradicts itself, or lists images that are not there.
    """
    if is_submission(file):
        return None  # a competition's sample of answers
    if file.size > MAX_LISTING:
        raise DataError(f"{file.name} has {file.size:,} bytes; allowed: {MAX_LISTING:,}; split it")
    try:
        table = read_listing_table(file)
    except csv.Error as error:
        raise DataError(f"{file.name} cannot be read as a table ({error}); correct it") from None
    if are_answers(table.columns):
        return None  # a model's predictions
    if len(table.columns) > MAX_COLUMNS:
        raise DataError(
            f"{file.name} has {len(table.columns):,} columns; allowed: {MAX_COLUMNS:,}; keep those "
            f"for images and labels"
        )
    cells = {name: [_text(cell) for cell in column] for name, column in table.columns.items()}
    table = dataclasses.replace(table, columns=cells)
    columns = find_columns(table, index, ReadOptions())
    if columns is None and is_table(file):
        image = next((name for name in cells if _names_images(name, cells[name])), None)
        forced = ReadOptions(image_column=image)
        columns = None if image is None else find_columns(table, index, forced)
    if columns is None or (named and not names_label(columns)):
        return None
    listing = _Listing(table)
    for value in filter(None, cells[columns.image]):
        found = index.find_one(value, file)
        if found is None:
            listing.missing.append(value)
        else:
            listing.labels[found.path] = None
    if columns.label is None or any(cells[columns.label]):
        parts = read_listings(tree, index, [(table, columns)], names_beside(tree, "")).parts
        for part in parts.values():
            listing.labels |= dict(zip(part.ids, part.labels, strict=True))
        by_name = split_words(file.parts[-1].partition(".")[0])
        listing.splits = set(parts) if len(parts) > 1 else by_name
    return listing


def _text(cell: str) -> str:
    """A cell as it was before it was made safe for spreadsheets, in valid Unicode."""
    return from_table_cell(cell).encode("utf-8", "replace").decode()


def _names_images(name: str, cells: Sequence[str]) -> bool:
    """Whether a column is meant to name images, though none of them is there."""
    suffixes = sum(cell.lower().endswith(SUFFIXES) for cell in cells)
    return name.strip().lower() in NAMES_OF_IMAGES or 2 * suffixes > len(cells)


def _check_agreement(labels: dict[str, str | None], listing: _Listing) -> None:
    """Refuse a table that gives an image another label than a table before it."""
    for path, label in listing.labels.items():
        if label and labels.get(path) not in (None, label):
            raise DataError(
                f"{listing.table.file.path} has the label {label!r} for {path}, and another table "
                f"has {labels[path]!r}; keep one of the tables"
            )


def _tell(listing: _Listing, found: TreeLabels) -> None:
    """Note that a table is used, and which of its rows have no image."""
    name, missing = listing.table.file.path, listing.missing
    found.tables.append(name)
    for value in missing[:MAX_MISSING]:
        shown = shortened(one_line(value), 100)
        reason = f"{shown} is listed in {name}, but no such image is there; correct the row"
        found.refused.append((value, NotFoundError(reason)))
    if len(missing) > MAX_MISSING:
        more = counted(len(missing) - MAX_MISSING, "more row has", "more rows have")
        found.notes.append(f"{more} no image in {name}")
    found.notes += [listing.table.note] if listing.table.note else []


def _by_folders(files: list[File], index: ImageIndex) -> tuple[dict[str, str | None], set[str]]:
    """Class of each file by its folders, and the splits that they name: the first folder below
    those that all images share, unless it is the name of a split, or says that the files have no
    labels.
    """
    paths = {file.path: list(file.parts[:-1]) for file in files}
    images = [file.path for file in index.images] or list(paths)
    while True:
        shared = {paths[path][0] if paths[path] else "" for path in images}
        if len(shared) != 1 or all(len(paths[path]) < 2 for path in images):
            break
        paths = {path: p[1:] if p and p[0] in shared else p for path, p in paths.items()}
    # The folder below may be a split with classes inside, or a class with splits inside.
    levels = [[split_of_name(part) for part in paths[path][:2]] for path in images]
    tops = {level[0] if level else None for level in levels}
    divided = any(len(level) > 1 and level[0] for level in levels)
    divided = divided or (len(tops) > 1 and None not in tops)
    labels: dict[str, str | None] = {}
    for path, parts in paths.items():
        if parts and divided and split_of_name(parts[0]):
            parts = parts[1:]
        labels[path] = parts[0] if parts and not means_unlabelled(parts[0]) else None
    named = {split for level in levels if divided or len(level) > 1 for split in level if split}
    return labels, named


def _agree(labels: dict[str, str | None], by_folder: dict[str, str | None]) -> bool:
    """Whether tables say what folders say, for most images of which both say something."""
    pairs = [(label, by_folder[path]) for path, label in labels.items() if label]
    both = [(comparable(mine), comparable(folder)) for mine, folder in pairs if folder]
    return 2 * sum(mine == folder for mine, folder in both) >= len(both)
