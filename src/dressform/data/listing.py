"""Listings: tables of file names, paths or ids with labels, beside the images."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from dressform.core.errors import DataError
from dressform.core.text import counted
from dressform.data.broken_files import with_broken_files
from dressform.data.contents import Contents, ImageSource, Part
from dressform.data.file_tree import FileTree
from dressform.data.image import SUFFIXES
from dressform.data.image_index import ImageIndex
from dressform.data.listing_rows import ListedRows, read_rows
from dressform.data.listing_table import ListingTable
from dressform.data.read_options import ReadOptions
from dressform.data.split_names import SPLITS, split_of_name, split_words
from dressform.data.table_columns import (
    IMAGES,
    LABELS,
    ROW_NUMBERS,
    SPLIT_COLUMNS,
    YES_NO_SPLITS,
    Columns,
    is_set,
    named,
    split_of_cell,
)

_SAMPLE = 500
_MOST_FOUND = 0.5
"""Fraction of rows whose files are found, in a column that is taken for that of the images without
being called so.
"""


def find_columns(table: ListingTable, index: ImageIndex, options: ReadOptions) -> Columns | None:
    """Which columns list the images and their labels; None if none lists images of the tree.

    Raises:
        UnknownNameError: a column that the options name does not exist.
        DataError: several columns may have the labels.
    """
    header = list(table.columns)
    where = table.file.name

    def chosen(given: str | None, known: Sequence[str]) -> str | None:
        place = named(header, given, known, where)
        return None if place is None else header[place]

    image = _image_column(table, index, chosen(options.image_column, ()))
    if image is None:
        return None
    split = chosen(options.split_column, ()) or _split_column(table)
    group = chosen(options.group_column, ())
    label = chosen(options.label_column, ()) or _label_column(table, {image, split, group})
    if label is not None:
        return Columns(image, label, (), split, group)
    rest = [n for n in header if n not in (image, split, group)]
    rest = [n for n in rest if not _numbers_rows(n, table.columns[n])]
    if len(rest) == 1 and 1 < len(set(table.columns[rest[0]]) - {""}) < table.rows:
        return Columns(image, rest[0], (), split, group)
    if len(rest) > 1 and _is_one_hot([table.columns[name] for name in rest]):
        return Columns(image, None, tuple(rest), split, group)
    if not rest:
        return None  # names of images alone: those that have no labels
    raise DataError(
        f"{where} lists images in column {image}, but which column has the labels is not clear: "
        f"{', '.join(rest)}; name it with label_column="
    )


def _label_column(table: ListingTable, taken: set[str | None]) -> str | None:
    header = [name for name in table.columns if name not in taken]
    place = named(header, None, LABELS, table.file.name)
    return None if place is None else header[place]


def _image_column(table: ListingTable, index: ImageIndex, given: str | None) -> str | None:
    """The given column, or the one whose cells are files of the tree."""
    if given is not None:
        return given
    known = {name: place for place, name in enumerate(IMAGES)}
    shares: list[tuple[float, int, str]] = []
    for name, cells in table.columns.items():
        sample = [cell for cell in cells[:_SAMPLE] if cell]
        if not sample:
            continue
        found = sum(bool(index.find(cell, table.file)) for cell in sample) / len(sample)
        place = known.get(name.strip().lower().replace(" ", "_"), len(known))
        if place == len(known) and all(cell.removesuffix(".0").isdigit() for cell in sample):
            continue  # numbers of anything, which may be names of files by chance
        looks = sum(cell.lower().endswith(SUFFIXES) for cell in sample) / len(sample)
        if found >= _MOST_FOUND or (found > 0 and (place < len(known) or looks > _MOST_FOUND)):
            shares.append((-found, place, name))
    return min(shares)[2] if shares else None


def names_label(columns: Columns) -> bool:
    """Whether the column of labels is called so, and not only taken for it."""
    return columns.label is not None and columns.label.strip().lower() in LABELS


def lists_images(table: ListingTable, index: ImageIndex) -> bool:
    """Whether a table without labels lists images."""
    return _image_column(table, index, None) is not None


def label_candidates(table: ListingTable, index: ImageIndex) -> list[Columns]:
    """Each column of a table of images that may have the labels, by its values."""
    image = _image_column(table, index, None)
    if image is None:
        return []
    return [
        Columns(image, name)
        for name, cells in table.columns.items()
        if name != image and repeats(cells)
    ]


def repeats(cells: Sequence[str]) -> bool:
    """Whether a column has several values, each of them in two rows on average."""
    return 1 < len(set(cells) - {""}) <= len(cells) / 2


def _split_column(table: ListingTable) -> str | None:
    """A column that is called so and whose cells name splits, or say yes and no to one; where most
    do, the others are mistakes to be told.
    """
    for name, cells in table.columns.items():
        known = name.strip().lower()
        if known in SPLIT_COLUMNS or known in YES_NO_SPLITS:
            values = [cell for cell in cells if cell]
            if 2 * sum(split_of_cell(name, cell) is not None for cell in values) > len(values):
                return name
    return None


def _numbers_rows(name: str, cells: Sequence[str]) -> bool:
    """Whether a column only counts rows: called so, and no value twice."""
    return name.strip().lower() in ROW_NUMBERS and len(set(cells)) == len(cells)


def _is_one_hot(columns: Sequence[Sequence[str]]) -> bool:
    return all(
        set(row) <= {"0", "1", "0.0", "1.0", "True", "False", "true", "false"}
        and sum(is_set(cell) for cell in row) == 1
        for row in zip(*columns, strict=True)
    )


def read_listings(
    tree: FileTree,
    index: ImageIndex,
    tables: Sequence[tuple[ListingTable, Columns]],
    class_names: tuple[str, ...] | None = None,
) -> Contents:
    """Read images by one or several listings.

    Args:
        tree: with the images.
        index: of its images.
        tables: each with its columns; of several, each is a split by the name of its file or
            folder.
        class_names: names for labels that are whole numbers from 0, or None.

    Raises:
        DataError: no listed image is there, or labels contradict each other.
    """
    rows = ListedRows()
    splits = _splits_of_tables([table for table, _ in tables])
    for (table, columns), split in zip(tables, splits, strict=True):
        read_rows(table, columns, split, index, rows)
    _by_folders(rows, tables, splits)
    unlisted = len(index.images) - len({id(file) for _, _, file, _ in rows.rows})
    if unlisted > 0:
        rows.notes.append(f"ignored {counted(unlisted, 'image')} without a labelled row")
    grouped = next((columns.group for _, columns in tables if columns.group), None)
    parts = {}
    for split in SPLITS:
        several = [row for row in rows.rows if row[0] == split]
        if several:
            parts[split] = Part(
                [label for _, label, _, _ in several],
                [file.path for _, _, file, _ in several],
                [ImageSource(file.name, file) for _, _, file, _ in several],
                [group for _, _, _, group in several] if grouped else None,
            )
    contents = Contents(
        tables[0][0].file.path.rpartition("/")[2].partition(".")[0]
        if len(tables) == 1 and tree.name == "data"
        else tree.name,
        parts,
        None,
        tuple(rows.notes),
        tuple(rows.reasons),
        (),
        f"column {grouped}" if grouped else None,
    )
    return with_broken_files(_named(contents, class_names), tree)


def _named(contents: Contents, names: tuple[str, ...] | None) -> Contents:
    """Numbers of classes as names."""
    labels = {label for part in contents.parts.values() for label in part.labels}
    if names is None or not all(x.isdigit() and int(x) < len(names) for x in labels):
        return contents
    parts = {
        split: dataclasses.replace(part, labels=[names[int(x)] for x in part.labels])
        for split, part in contents.parts.items()
    }
    return dataclasses.replace(contents, parts=parts, class_names=names)


def _splits_of_tables(tables: Sequence[ListingTable]) -> list[str]:
    """The split of each table, by its name or its folder's: train for a single one."""
    if len(tables) == 1:
        return ["train"]
    splits: list[str] = []
    for table in tables:
        *folders, name = table.file.parts
        words = split_words(name.partition(".")[0])
        by_folder = [split for folder in folders if (split := split_of_name(folder))]
        split = words.pop() if len(words) == 1 else by_folder[-1] if by_folder else None
        if split is None or split in splits:
            names = ", ".join(one.file.path for one in tables)
            raise DataError(
                f"several tables list images ({names}), and their names do not say which is train, "
                f"validation and test; give one of them"
            )
        splits.append(split)
    return splits


def _by_folders(
    rows: ListedRows, tables: Sequence[tuple[ListingTable, Columns]], splits: list[str]
) -> None:
    """Splits by the folders of the images, if a single table names none and all lie in such."""
    if len(tables) > 1 or tables[0][1].split is not None:
        return
    found = [
        next((s for part in file.parts[:-1] if (s := split_of_name(part))), None)
        for _, _, file, _ in rows.rows
    ]
    if "train" in found and None not in found and len(set(found)) > 1:
        rows.rows = [(str(split), *row[1:]) for split, row in zip(found, rows.rows, strict=True)]
        rows.reasons.append("all listed images are in folders named after splits")
    elif any(found) and len(set(found)) > 1:
        counts = Counter(str(split) for split in found)
        rows.reasons.append(
            f"the images were read as one set: {counts['None']:,} of them are not in folders named "
            f"after splits"
        )
