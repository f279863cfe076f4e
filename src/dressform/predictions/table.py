"""The columns ``id,label,p0,…`` or ``id,label,logit0,…`` of a table, and how CSV text becomes
them.
"""

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

EXPECTED = "columns label, p0, p1, … (or logit0, logit1, …) and, if you like, id"


@dataclass(frozen=True, eq=False)
class Table:
    """Predictions as they stand in a table, not yet judged.

    Attributes:
        given: ``probabilities`` or ``logits``.
        ids: N texts, or None.
        numbers: float64 [N, 1 + K], the label and the scores.
        lines: where each row stands in a text file, from 1; None where rows are counted.
    """

    given: str
    ids: list[str] | None
    numbers: NDArray[np.float64]
    lines: list[int] | None

    def place(self, row: int) -> str:
        """How to call a row in a message."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"


def score_columns(path: Path, names: Sequence[str]) -> tuple[str, list[str]]:
    """What the class columns hold, ``probabilities`` or ``logits``, and their names in class order.

    Raises:
        DataError: no label, no class columns, one only, both kinds, a gap, or a name that stands
            twice.
    """
    shown = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    found = {
        kind: [n for n in names if re.fullmatch(rf"{kind}(0|[1-9]\d*)", n)]
        for kind in ("p", "logit")
    }
    if "label" not in names or not (found["p"] or found["logit"]):
        raise DataError(
            f"{path} has columns {shown or 'without names'}; expected {EXPECTED} (in CSV, commas "
            f"between cells)"
        )
    if found["p"] and found["logit"]:
        raise DataError(
            f"{path} has both {found['p'][0]} and {found['logit'][0]}; give probabilities or "
            f"logits, not both"
        )
    kind = "p" if found["p"] else "logit"
    columns = found[kind]
    twice = next((n for n in ("id", "label", *columns) if names.count(n) > 1), None)
    if twice is not None:
        raise DataError(f"{path} has two columns called {twice}; keep one")
    ordered = sorted(columns, key=lambda name: int(name.removeprefix(kind)))
    gap = next((k for k, name in enumerate(ordered) if name != f"{kind}{k}"), None)
    if gap is not None:
        raise DataError(
            f"{path} has {ordered[gap]} but no {kind}{gap}; give one column per class, from "
            f"{kind}0 without gaps"
        )
    if len(ordered) < 2:
        raise DataError(
            f"{path} has one class column only ({ordered[0]}); give one per class, both for a "
            f"yes-or-no model"
        )
    return ("probabilities" if kind == "p" else "logits"), ordered


def read_csv(path: Path, text: str) -> Table:
    """The table in a CSV text; ``path`` is for messages.

    Raises:
        DataError: empty, columns that :func:`score_columns` refuses, a row of another length, or a
            cell that is no number.
    """
    if not text.strip():
        raise DataError(f"{path} is empty; expected {EXPECTED}")
    reader = csv.reader(io.StringIO(text, newline=""))
    lines, rows = [], []
    try:
        header = [name.strip() for name in next(reader)]
        given, scores = score_columns(path, header)
        for row in reader:
            if not row:  # an empty line
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{path} line {reader.line_num} has {len(row)} cells but the header has "
                    f"{len(header)};"
                    " the file is cut off or damaged there"
                )
            lines.append(reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise DataError(
            f"{path} line {reader.line_num} is not CSV ({error}); mend that line"
        ) from None
    if not rows:
        raise DataError(f"{path} has a header but no rows; give one row per example")
    cells = dict(zip(header, zip(*rows, strict=True), strict=False))
    numbers = np.empty((len(rows), 1 + len(scores)))
    for position, name in enumerate(("label", *scores)):
        try:
            numbers[:, position] = np.array(cells[name], dtype=np.float64)
        except ValueError:
            row_of = next(i for i, cell in enumerate(cells[name]) if not is_number(cell))
            raise DataError(
                f"{path} line {lines[row_of]} has {cells[name][row_of]!r} in column {name}; "
                f"allowed: a number"
            ) from None
    return Table(
        given,
        [from_table_cell(name) for name in cells["id"]] if "id" in cells else None,
        numbers,
        lines,
    )
