"""Tables in text files: CSV with any separator, TSV, and JSON lines, in UTF-8 or UTF-16."""

import codecs
import csv
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import gunzip
from dressform.core.text import from_table_cell
from dressform.predictions.table import EXPECTED, Table

MAX_BYTES = 2**31
"""Maximum decompressed size of a table."""
SEPARATORS = (",", ";", "\t", "|")


def read_text(path: Path) -> str:
    """The text of a file: gzip or not, UTF-8, or UTF-16 with a byte order mark.

    Raises:
        DataError: the file cannot be read, is damaged, too large, or in another encoding.
    """
    try:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw = gunzip(raw, MAX_BYTES)
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not {error.encoding.upper()} text (byte {error.start}); save it in UTF-8"
        ) from None
    except ValueError as error:
        raise DataError(f"{path} is too large ({error}); give a smaller table, or NPZ") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); copy it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def parse_csv(path: Path, text: str) -> Table:
    """Parse a CSV text, whose separator is the one that divides its header into most names.

    Args:
        path: for messages.
        text: with a header.

    Raises:
        DataError: the text is empty, a row has another length than the header, or it is not CSV.
    """
    if not text.strip():
        raise DataError(f"{path} is empty; expected {EXPECTED}")
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines, rows = [], []
    header: list[str] = []
    start = 1  # a quoted cell may go on over several lines: a row is named by its first
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if not row:  # an empty line
                continue
            if not header:
                header = [name.strip() for name in row]
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{path} line {line} has {len(row)} cells but the header has {len(header)}; "
                    f"the file is truncated or damaged there"
                )
            lines.append(line)
            rows.append(row)
    except csv.Error as error:
        raise DataError(f"{path} line {start} is not CSV ({error}); fix that line") from None
    cells = [[from_table_cell(cell) for cell in column] for column in zip(*rows, strict=True)]
    columns: dict[str, list[str]] = {}
    for position, name in enumerate(header):
        columns.setdefault(name, cells[position] if rows else [])
    return Table(path, columns, tuple(header), lines, decimal_comma=separator != ",")


def _separator(text: str) -> str:
    first = next(line for line in text.splitlines() if line.strip())

    def names(separator: str) -> int:
        return len(next(csv.reader([first], delimiter=separator), ()))

    try:
        return max(SEPARATORS, key=names)  # of equals the first
    except csv.Error:
        return ","


def parse_json_lines(path: Path, text: str) -> Table:
    """Parse JSON lines: an object per line, all with the same keys.

    An object inside, such as ``{"probabilities": {"dress": 0.9, …}}``, gives its keys; a list
    inside called ``probabilities`` or ``logits`` gives ``p0``, ``p1``, … or ``logit0``, ….

    Args:
        path: for messages.
        text: of the file.

    Raises:
        DataError: the text is empty, a line is not such an object, or a value is missing.
    """
    rows: list[dict[str, object]] = []
    lines = []
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path} line {line} is not JSON ({error}); fix that line") from None
        if not isinstance(row, dict):
            raise DataError(
                f"{path} line {line} is not a JSON object; give one per line, such as "
                f'{{"id": "a", "label": 0, "p0": 0.9, "p1": 0.1}}'
            )
        rows.append(_flat(row))
        lines.append(line)
    if not rows:
        raise DataError(f"{path} is empty; expected {EXPECTED}")
    names = dict.fromkeys(rows[0])
    for line, row in zip(lines, rows, strict=True):
        more = next((name for name in row if name not in names), None)
        if more is not None:
            raise DataError(
                f"{path} line {line} has {more}, which the first object lacks; give every object "
                f"the same keys"
            )
        missing = next((name for name in names if row.get(name) is None), None)
        if missing is not None:
            raise DataError(
                f"{path} line {line} has no value for {missing}; give every object the keys of "
                f"the first"
            )
    columns = {name: _cells([row[name] for row in rows]) for name in names}
    return Table(path, columns, tuple(names), lines)


def _flat(row: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= value
        elif isinstance(value, list) and name in ("probabilities", "logits"):
            prefix = "p" if name == "probabilities" else "logit"
            flat |= {f"{prefix}{k}": one for k, one in enumerate(value)}
        else:
            flat[name] = value
    return flat


def _cells(values: list[Any]) -> list[str] | NDArray[Any]:
    if all(type(value) in (int, float) for value in values):
        floats = any(type(value) is float for value in values)
        try:
            return np.array(values, dtype=np.float64 if floats else np.int64)
        except OverflowError:
            return [str(value) for value in values]
    return [value if isinstance(value, str) else json.dumps(value) for value in values]
