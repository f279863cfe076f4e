"""Tables with columns ``id,label,p0,…`` or ``id,label,logit0,…``, and their CSV form."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import from_table_cell, is_number
from dressform.predictions.predictions import ScoreKind

EXPECTED = "columns label, p0, p1, … (or logit0, logit1, …) and optionally id"


@dataclass(frozen=True, eq=False)
class Table:
    """Predictions as read from a table, not yet validated.

    Attributes:
        kind: ``probabilities`` or ``logits``.
        ids: N texts, or None.
        numbers: float64 [N, 1 + K], label and scores.
        lines: line number of each row in a text file, from 1; None if there are no lines.
    """

    kind: ScoreKind
    ids: list[str] | None
    numbers: NDArray[np.float64]
    lines: list[int] | None

    def location(self, row: int) -> str:
        """The location of a row, for messages."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"


def score_columns(path: Path, names: Sequence[str]) -> tuple[ScoreKind, list[str]]:
    """The kind of the class columns, ``probabilities`` or ``logits``, and their names in class
    order.

    Raises:
        DataError: there is no label, fewer than two class columns, both kinds, a gap, or a
            duplicate name.
    """
    listed = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    columns_of = {
        kind: [n for n in names if re.fullmatch(rf"{kind}(0|[1-9]\d*)", n)]
        for kind in ("p", "logit")
    }
    if "label" not in names or not (columns_of["p"] or columns_of["logit"]):
        raise DataError(
            f"{path} has columns {listed or 'without names'}; expected {EXPECTED} (in CSV, "
            f"separated by commas)"
        )
    if columns_of["p"] and columns_of["logit"]:
        raise DataError(
            f"{path} has both {columns_of['p'][0]} and {columns_of['logit'][0]}; give "
            f"probabilities or "
            f"logits, not both"
        )
    kind = "p" if columns_of["p"] else "logit"
    columns = columns_of[kind]
    duplicate = next((n for n in ("id", "label", *columns) if names.count(n) > 1), None)
    if duplicate is not None:
        raise DataError(f"{path} has two columns named {duplicate}; keep one")
    ordered = sorted(columns, key=lambda name: int(name.removeprefix(kind)))
    gap = next((k for k, name in enumerate(ordered) if name != f"{kind}{k}"), None)
    if gap is not None:
        raise DataError(
            f"{path} has {ordered[gap]} but no {kind}{gap}; give one column per class, from "
            f"{kind}0 without gaps"
        )
    if len(ordered) < 2:
        raise DataError(
            f"{path} has only one class column ({ordered[0]}); give one per class, both for a "
            f"binary model"
        )
    return ("probabilities" if kind == "p" else "logits"), ordered


def read_csv(path: Path, text: str) -> Table:
    """Parse a CSV text; ``path`` is used in messages.

    Raises:
        DataError: the text is empty, :func:`score_columns` refuses its columns, a row has another
            length, or a cell is not a number.
    """
    if not text.strip():
        raise DataError(f"{path} is empty; expected {EXPECTED}")
    reader = csv.reader(io.StringIO(text, newline=""))
    lines, rows = [], []
    try:
        header = [name.strip() for name in next(reader)]
        kind, scores = score_columns(path, header)
        for row in reader:
            if not row:  # an empty line
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{path} line {reader.line_num} has {len(row)} cells but the header has "
                    f"{len(header)};"
                    " the file is truncated or damaged there"
                )
            lines.append(reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise DataError(
            f"{path} line {reader.line_num} is not CSV ({error}); fix that line"
        ) from None
    if not rows:
        raise DataError(f"{path} has a header but no rows; give one row per example")
    cells = dict(zip(header, zip(*rows, strict=True), strict=False))
    numbers = np.empty((len(rows), 1 + len(scores)))
    for position, name in enumerate(("label", *scores)):
        try:
            numbers[:, position] = np.array(cells[name], dtype=np.float64)
        except ValueError:
            bad_row = next(i for i, cell in enumerate(cells[name]) if not is_number(cell))
            raise DataError(
                f"{path} line {lines[bad_row]} has {cells[name][bad_row]!r} in column {name}; "
                f"allowed: a number"
            ) from None
    return Table(
        kind,
        [from_table_cell(name) for name in cells["id"]] if "id" in cells else None,
        numbers,
        lines,
    )
