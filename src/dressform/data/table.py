"""CSV tables in Kaggle's format: a header ``label,pixel1,…`` and one example per row."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError


def read_csv(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read a table of examples.

    Args:
        path: each row has a label and the pixels of a square grey image, row by row, 0 to 255. The
            header is optional.

    Returns:
        images uint8 [N, S, S] and labels int64 [N].

    Raises:
        DataError: the file is missing or empty, a row has another length, a value is not a whole
            number in 0..255, or the image is not square.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip()
    first, _, rest = raw.partition(b"\n")
    has_header = b"label" in first.lower()
    body = rest if has_header else raw
    if not body:
        raise DataError(
            f"{path} has no rows; expected a header label,pixel1,... and one example per row"
        )
    columns = first.count(b",") + 1
    side = math.isqrt(columns - 1)
    if has_header and first.partition(b",")[0].strip().strip(b'"').lower() != b"label":
        raise DataError(
            f"{path} does not start with the label column; put label first, then the pixels"
        )
    if columns < 2 or side * side != columns - 1:
        raise DataError(
            f"{path} has {columns} columns; expected a label and a square number of pixels, such "
            f"as 1 + 784"
        )
    _check_rows(path, body, columns, first_line=2 if has_header else 1)
    try:
        values = np.loadtxt(
            body.split(b"\n"), dtype=np.int64, delimiter=",", ndmin=2, comments=None
        )
    except ValueError as error:
        raise DataError(
            f"{path} has a value that is not a whole number ({error}); make every cell a whole "
            f"number"
        ) from None
    labels, pixels = values[:, 0], values[:, 1:]
    outside = np.argwhere((pixels < 0) | (pixels > 255))
    if len(outside):
        row, column = outside[0]
        raise DataError(
            f"{path} row {row + 1} has pixel{column + 1} = {pixels[row, column]}; allowed: whole "
            f"numbers 0 to 255"
        )
    return pixels.astype(np.uint8).reshape(-1, side, side), labels.copy()


def _check_rows(path: Path, body: bytes, columns: int, first_line: int) -> None:
    text = np.frombuffer(body, np.uint8)
    ends = np.append(np.flatnonzero(text == ord("\n")), len(text))
    commas = np.searchsorted(np.flatnonzero(text == ord(",")), ends)
    per_row = np.diff(commas, prepend=0) + 1
    wrong = np.flatnonzero(per_row != columns)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{path} line {row + first_line} has {per_row[row]} values but the first line has "
            f"{columns};"
            " the file is truncated or damaged there"
        )
