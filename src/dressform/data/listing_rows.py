"""`ListedRows`: what tables of images say, row by row."""

from dataclasses import dataclass, field

from dressform.core.errors import DataError
from dressform.core.text import class_name, counted
from dressform.data.contents import such_as
from dressform.data.file_tree import File
from dressform.data.image import SUFFIXES
from dressform.data.image_index import ImageIndex, path_of_address
from dressform.data.listing_table import ListingTable
from dressform.data.table_columns import (
    Columns,
    are_answers,
    is_set,
    looks_like_groups,
    split_of_cell,
)


@dataclass
class ListedRows:
    """What listings say.

    Attributes:
        rows: split, label, file and group of each image.
        notes: for the user.
        reasons: why they were read so.
    """

    rows: list[tuple[str, str, File, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def read_rows(
    table: ListingTable, columns: Columns, split: str, index: ImageIndex, rows: ListedRows
) -> None:
    """Read a table.

    Args:
        table: of images and labels.
        columns: which has what.
        split: of rows that do not name theirs.
        index: of the images.
        rows: that those of the table are added to.

    Raises:
        DataError: no listed image is there, or labels contradict each other.
    """
    name, missing, unlabelled = table.file.path, [], 0
    labels: dict[str, str] = {}
    several: list[str] = []
    twice: list[str] = []
    cells = table.columns
    whole = _whole_labels(table, columns)
    for row in range(table.rows):
        value, label = cells[columns.image][row], class_name(_label(table, columns, row))
        label = label.removesuffix(".0") if whole else label
        if not value:
            unlabelled += 1
            continue
        file = index.find_one(value, table.file)
        if file is None:
            missing.append(value)
        elif not label:
            unlabelled += 1
        elif file.path in labels:
            (twice if labels[file.path] == label else several).append(value)
        else:
            labels[file.path] = label
            cell = cells[columns.split][row] if columns.split else ""
            own = _split_of_cell(cell, columns, table, row) if columns.split else split
            group = cells[columns.group][row] if columns.group else ""
            rows.rows.append((own, label, file, group))
    if several:
        raise DataError(
            f"{name} gives several labels to {counted(len(several), 'image')}, such as "
            f"{several[0]}; an image can have only one, so keep one row for each"
        )
    if not labels:
        raise none_found(table, columns.image, missing[:1], index)
    if missing:
        rows.notes.append(
            f"ignored {len(missing):,} of {table.rows:,} rows of {name}, whose image files are "
            f"missing: {such_as(missing)}"
        )
    if twice:
        rows.notes.append(
            f"ignored {counted(len(twice), 'row')} of {name} with an image and label of another "
            f"row: {such_as(twice)}"
        )
    if unlabelled:
        rows.notes.append(f"ignored {counted(unlabelled, 'row')} of {name} without a label")
    if are_answers(cells):
        rows.notes.append(f"the labels of {name} are a model's predictions, not what a person said")
    if table.note:
        rows.notes.append(table.note)
    used = {columns.image, columns.label, columns.split, columns.group, *columns.one_hot}
    unused = [column for column in cells if column not in used and column.strip()]
    if unused:
        rows.notes.append(f"columns of {name} not used: {such_as(unused, 8)}")
    grouping = [column for column in unused if looks_like_groups(column, cells[column])]
    if grouping and columns.group is None:
        groups = len({cell for cell in cells[grouping[0]] if cell})
        rows.notes.append(
            f"column {grouping[0]} of {name} looks like {groups:,} groups of images; "
            f"group_column={grouping[0]!r} keeps each group on one side of every split"
        )
    where = columns.label or f"{len(columns.one_hot)} columns of 0 and 1"
    rows.reasons.append(
        f"{name} lists the images in column {columns.image} and their labels in {where}"
    )


def _whole_labels(table: ListingTable, columns: Columns) -> bool:
    """Whether all labels are whole numbers written as pandas does where some are missing: 3.0."""
    cells = {cell for cell in table.columns[columns.label or columns.image] if cell}
    return columns.label is not None and all(
        cell.removesuffix(".0").isdigit() and cell.endswith(".0") for cell in cells
    )


def _label(table: ListingTable, columns: Columns, row: int) -> str:
    if columns.label is not None:
        return table.columns[columns.label][row]
    return next(name for name in columns.one_hot if is_set(table.columns[name][row]))


def _split_of_cell(cell: str, columns: Columns, table: ListingTable, row: int) -> str:
    split = split_of_cell(columns.split or "", cell)
    if split is None:
        raise DataError(
            f"{table.file.name} row {row + 1} has {cell!r} in {columns.split}; allowed: train, "
            f"validation or test"
        )
    return split


def none_found(table: ListingTable, column: str, shown: list[str], index: ImageIndex) -> DataError:
    """The error where none of a table's images is there.

    Args:
        table: that lists them.
        column: in which it does.
        shown: the first of them; none where all cells are empty.
        index: of the images that are there.
    """
    examples = f"such as {such_as(shown)}" if shown else "all without a name"
    return DataError(
        f"{table.file.name} lists {table.rows:,} images in column {column}, {examples}, and none "
        f"of them was found below {index.root}; put the table where the images are, or correct its "
        f"paths"
    )


def lost_images(table: ListingTable, index: ImageIndex) -> DataError | None:
    """Why a table whose images are not found is not used; None if no column names image files.

    Args:
        table: none of whose columns lists images of the index.
        index: of the images that are there.
    """
    for column, cells in table.columns.items():
        files = [cell for cell in cells if path_of_address(cell).lower().endswith(SUFFIXES)]
        if 2 * len(files) > len(cells):
            return none_found(table, column, files[:1], index)
    return None
