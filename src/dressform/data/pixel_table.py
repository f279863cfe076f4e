"""Tables of pixels, one image a row: Kaggle's CSV, OpenML's ARFF and their kin."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name, is_number
from dressform.data.delimited import Delimited
from dressform.data.read_options import ReadOptions
from dressform.data.table_columns import LABELS, ROW_NUMBERS, SPLIT_COLUMNS, named

MIN_SIDE = 2
_SAMPLE = 300
_NUMBERED = re.compile(r"(\D*)(\d+)(?:\D+(\d+))?")


@dataclass(frozen=True)
class PixelColumns:
    """Where a table has what.

    Attributes:
        label: column of the class.
        pixels: columns of the pixels in the image's order: row by row, colours together.
        text: column with all pixels as numbers with blanks between, in place of ``pixels``.
        split, group: their columns, or None.
        other: columns that are not read.
    """

    label: int
    pixels: tuple[int, ...] = ()
    text: int | None = None
    split: int | None = None
    group: int | None = None
    other: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class PixelRows:
    """The examples of a table.

    Attributes:
        images: uint8 [N, H, W, C].
        labels: int64 [N], or names.
        splits, groups: texts [N], or None.
        notes: for the user.
        reasons: why it was read so.
        class_names: that the file declares, or None.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | list[str]
    splits: list[str] | None
    groups: list[str] | None
    notes: tuple[str, ...]
    reasons: tuple[str, ...]
    class_names: tuple[str, ...] | None


def image_shape(values: int) -> tuple[int, int, int] | None:
    """Height, width and channels of a square image with so many values, or None."""
    for channels in (1, 3):
        side = math.isqrt(max(0, values) // channels)
        if side >= MIN_SIDE and side * side * channels == values:
            return side, side, channels
    return None


def find_pixel_columns(table: Delimited, options: ReadOptions) -> PixelColumns | None:
    """Which columns are pixels and which the label; None if the table has no images.

    Raises:
        UnknownNameError: a column that the options name does not exist.
        DataError: the pixels are clear, but not the label.
    """
    if table.header is None:
        return _without_header(table)
    header = list(table.header)
    label = named(header, options.label_column, LABELS, table.name)
    split = named(header, options.split_column, SPLIT_COLUMNS, table.name)
    group = named(header, options.group_column, (), table.name)
    numbers = named(header, None, ROW_NUMBERS, table.name)
    taken = {label, split, group, numbers}
    rest = [i for i in range(len(header)) if i not in taken]
    other: tuple[int, ...] = (
        () if numbers is None or numbers in (label, split, group) else (numbers,)
    )
    text = next((i for i in rest if header[i].lower() in ("pixels", "image_pixels")), None)
    if text is not None:
        if label is None:
            raise _no_label(table, header)
        other += tuple(i for i in rest if i != text)
        return PixelColumns(label, text=text, split=split, group=group, other=other)
    if label is None:
        odd = [i for i in rest if not _NUMBERED.fullmatch(header[i])]
        if len(odd) == 1 and image_shape(len(rest) - 1):
            label = odd[0]
            rest.remove(label)
    if image_shape(len(rest)) is None:
        return None
    first = next(table.rows(1), [])
    if not all(is_number(first[i]) for i in rest if i < len(first)):
        return None
    if label is None:
        raise _no_label(table, header)
    return PixelColumns(label, _in_order(header, rest), None, split, group, other)


def _without_header(table: Delimited) -> PixelColumns | None:
    """The label is first, unless the first column is the same everywhere, as a corner's pixel is,
    and the last is not.
    """
    rows = list(table.rows(_SAMPLE))
    width = table.width
    if image_shape(width - 1) is None or not all(is_number(c) for c in rows[0][1:-1]):
        return None
    firsts, lasts = {row[0] for row in rows}, {row[-1] for row in rows}
    if len(firsts) == 1 and len(lasts) > 1:
        return PixelColumns(width - 1, tuple(range(width - 1)))
    return PixelColumns(0, tuple(range(1, width)))


def _no_label(table: Delimited, header: list[str]) -> DataError:
    shown = ", ".join(header[:4])
    return DataError(
        f"{table.name} has pixels but no column of labels (columns {shown}, …); name it with "
        f"label_column="
    )


def _in_order(header: list[str], columns: list[int]) -> tuple[int, ...]:
    """Columns by the numbers in their names, ``pixel12`` or ``3x7``; as they stand without."""
    found = [_NUMBERED.fullmatch(header[column]) for column in columns]
    matches = [match for match in found if match is not None]
    places = [(int(m[2]), int(m[3] or 0)) for m in matches]
    same = len({(m[1], m[3] is None) for m in matches}) == 1
    if len(matches) < len(columns) or not same or len(set(places)) < len(places):
        return tuple(columns)
    return tuple(column for _, column in sorted(zip(places, columns, strict=True)))


def read_pixel_rows(table: Delimited, columns: PixelColumns) -> PixelRows:
    """Read the images of a table.

    Args:
        table: the cells.
        columns: what :func:`find_pixel_columns` found.

    Raises:
        DataError: a value is no pixel, or no label.
    """
    labels, pixels, cells = _values(table, columns)
    shape = image_shape(pixels.shape[1])
    if shape is None:
        raise DataError(
            f"{table.name} has images of {pixels.shape[1]:,} values; allowed: a square number, or "
            f"three times one"
        )
    images, note = _as_bytes(pixels, table, columns)
    header = table.header
    end = "last" if columns.label else "first"
    where = f"the column {header[columns.label]}" if header else f"the {end} column"
    reasons = [
        f"{table.name}: each row is an image of {shape[0]} x {shape[1]} pixels"
        f"{' in colour' if shape[2] == 3 else ''}; {where} has the labels"
    ]
    if columns.pixels != tuple(sorted(columns.pixels)):
        reasons.append(f"{table.name}: pixels were ordered by the numbers in their columns' names")
    notes = [one for one in (table.note, note) if one]
    if columns.other and header:
        notes.append(
            f"ignored columns: {', '.join(header[i] or '(unnamed)' for i in columns.other)}"
        )
    declared = table.values.get(header[columns.label]) if header else None
    return PixelRows(
        images.reshape(-1, *shape),
        labels,
        None if columns.split is None else [row[columns.split] for row in cells],
        None if columns.group is None else [row[columns.group] for row in cells],
        tuple(notes),
        tuple(reasons),
        declared if declared and not any(is_number(name) for name in declared) else None,
    )


def _values(
    table: Delimited, columns: PixelColumns
) -> tuple[NDArray[np.int64] | list[str], NDArray[Any], list[list[str]]]:
    """Labels, pixels [N, P], and the cells where more than these is wanted."""
    texts = columns.split is not None or columns.group is not None or columns.text is not None
    cells = list(table.rows()) if texts else []
    if columns.text is not None:
        return (
            _labels([row[columns.label] for row in cells], table),
            _parsed([row[columns.text] for row in cells], table),
            cells,
        )
    try:
        values = table.numbers([columns.label, *columns.pixels])
        whole = values[:, 0].astype(np.int64)
        if (whole != values[:, 0]).any():
            raise ValueError(f"label {values[whole != values[:, 0], 0][0]}")
        return whole, values[:, 1:], cells
    except ValueError as error:
        labels = _labels([row[columns.label] for row in cells or table.rows()], table)
        if not isinstance(labels, list):
            raise _no_number(table, error) from None
    try:
        return labels, table.numbers(list(columns.pixels)), cells
    except ValueError as error:
        raise _no_number(table, error) from None


def _no_number(table: Delimited, error: Exception) -> DataError:
    return DataError(
        f"{table.name} has a value that is not a whole number ({error}); make every pixel a whole "
        f"number, 0 to 255"
    )


def _parsed(texts: list[str], table: Delimited) -> NDArray[Any]:
    """Pixels [N, P] of cells such as ``70 80 82``."""
    try:
        rows = [np.array(text.split(), dtype=np.float64) for text in texts]
    except ValueError as error:
        raise _no_number(table, error) from None
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{table.name} row {number + 1} has {len(row)} pixels but the first has "
                f"{len(rows[0])}; the file is damaged there"
            )
    return np.array(rows)


def _labels(cells: list[str], table: Delimited) -> NDArray[np.int64] | list[str]:
    """Numbers if all are whole ones, or names if none is a number."""
    numbers = [is_number(cell) and float(cell).is_integer() for cell in cells]
    if all(numbers):
        return np.array([int(float(cell)) for cell in cells], dtype=np.int64)
    if any(numbers):
        row = numbers.index(False)
        raise DataError(
            f"{table.name} row {row + 1} has label {cells[row]!r}, which is not a whole number as "
            f"others are; make all labels numbers, or all names"
        )
    if "" in cells:
        raise DataError(f"{table.name} row {cells.index('') + 1} has no label; add one")
    return [class_name(cell) for cell in cells]


def _as_bytes(
    pixels: NDArray[Any], table: Delimited, columns: PixelColumns
) -> tuple[NDArray[np.uint8], str]:
    """Pixels as bytes, and a note if they were scaled."""
    integers = pixels.dtype.kind == "i"
    whole = integers or bool((pixels == np.floor(pixels)).all())
    largest = pixels.max(initial=0)
    if not whole and np.isfinite(pixels).all() and pixels.min() >= 0 and largest <= 1:
        note = f"{table.name} has pixels from 0 to 1, which were multiplied by 255"
        return (pixels * 255).round().astype(np.uint8), note
    wrong = np.argwhere(
        ~((pixels >= 0) & (pixels <= 255) & (integers or pixels == np.floor(pixels)))
    )
    if len(wrong):
        row, place = (int(i) for i in wrong[0])
        column = columns.pixels[place] if columns.pixels else None
        name = (
            table.header[column]
            if table.header is not None and column is not None
            else f"pixel {place + 1}"
        )
        raise DataError(
            f"{table.name} row {row + 1} has {name} = {pixels[row, place]:g}; allowed: whole "
            f"numbers 0 to 255, or fractions from 0 to 1"
        )
    return pixels.astype(np.uint8), ""
