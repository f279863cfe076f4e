"""`Table`: the columns of a table of predictions, as read from a file of any format."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import is_number

EXPECTED = (
    "a column label, and a column per class (p0, p1, …; logit0, logit1, …; or the names of the "
    "classes) or a column prediction, and optionally id"
)
NUMBERS = "iuf"
"""Kinds of NumPy's types that count as numbers."""
_PERCENT = re.compile(r"\s*([+-]?\d*[.,]?\d+)\s*%\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns as read from a file, not yet interpreted.

    Attributes:
        path: of the file, for messages.
        columns: by name, N cells each: numbers as an array, or a list of texts.
        names: of all columns of the file, in its order; a name may occur twice.
        lines: line number of each row in a text file, from 1; None if there are no lines.
        nulls: the first row without a value of each column that has such rows.
        decimal_comma: whether numbers may be written ``0,25``.
    """

    path: Path
    columns: Mapping[str, Sequence[str] | NDArray[Any]]
    names: tuple[str, ...]
    lines: Sequence[int] | None = None
    nulls: Mapping[str, int] = field(default_factory=dict)
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def listed(self) -> str:
        """The names of the columns, for messages."""
        more = f", … ({len(self.names)} in all)" if len(self.names) > 20 else ""
        return (", ".join(self.names[:20]) or "without names") + more

    def location(self, row: int) -> str:
        """The location of a row, for messages."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"

    def find(self, *names: str) -> str | None:
        """The first of some names that the table has, ignoring case; of two that differ only in
        case, the exact one.
        """
        for name in names:
            if name in self.columns:
                return name
            for column in self.columns:
                if column.casefold() == name:
                    return column
        return None

    def is_numeric(self, name: str) -> bool:
        """Whether all cells of a column are numbers."""
        cells = self.columns[name]
        if isinstance(cells, np.ndarray):
            return cells.dtype.kind in NUMBERS
        return name not in self.nulls and all(map(is_number, self._with_points(cells)))

    def filled_numbers(self, name: str) -> list[float]:
        """The numbers of a column that would be one of numbers but for empty cells or percent
        signs, which count as hundredths; none of any other column.
        """
        cells = self.columns[name]
        if isinstance(cells, np.ndarray) or self.is_numeric(name):
            return []
        numbers = [self._number(cell) for cell in cells if cell.strip()]
        filled = [number for number in numbers if number is not None]
        return filled if len(filled) == len(numbers) else []

    def _number(self, cell: str) -> float | None:
        if percent := _PERCENT.fullmatch(cell):
            return float(percent[1].replace(",", ".")) / 100
        return float(cell.replace(",", ".")) if self._is_number(cell) else None

    def _is_number(self, cell: str) -> bool:
        return is_number(cell) or bool(self.decimal_comma and _DECIMAL_COMMA.fullmatch(cell))

    def require_values(self, name: str) -> None:
        """Refuse a column without a value in some row.

        Raises:
            DataError: there is such a row.
        """
        if name in self.nulls:
            raise self._no_value(self.nulls[name], name)

    def _no_value(self, row: int, name: str) -> DataError:
        return DataError(
            f"{self.path} {self.location(row)} has no value in column {name}; add it or remove the "
            f"row"
        )

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as float64 [N].

        Raises:
            DataError: a cell is not a number.
        """
        self.require_values(name)
        cells = self.columns[name]
        try:
            return np.array(self._with_points(cells), dtype=np.float64)
        except ValueError:
            row = next(i for i, cell in enumerate(cells) if not self._is_number(str(cell)))
            cell = str(cells[row])
            if not cell.strip():
                raise self._no_value(row, name) from None
            number = self._number(cell)
            raise DataError(
                f"{self.path} {self.location(row)} has {cell!r} in column {name}; allowed: a "
                f"number{'' if number is None else f'; write {number:.10g}'}"
            ) from None

    def _with_points(self, cells: Sequence[str] | NDArray[Any]) -> Sequence[str] | NDArray[Any]:
        """Numbers such as ``0,25``, which spreadsheets write where the separator is no comma, with
        a point; columns of other texts stay.
        """
        if not self.decimal_comma or isinstance(cells, np.ndarray):
            return cells
        if not all(_DECIMAL_COMMA.fullmatch(cell) or "," not in cell for cell in cells):
            return cells
        return [cell.replace(",", ".") for cell in cells]

    def texts(self, name: str) -> list[str]:
        """A column as texts; whole numbers as their digits.

        Raises:
            DataError: a cell is empty, or a number with a fraction.
        """
        self.require_values(name)
        cells = self.columns[name]
        if isinstance(cells, np.ndarray):
            if cells.dtype.kind == "f":
                fractions = np.flatnonzero(~np.isfinite(cells) | (cells != np.floor(cells)))
                if len(fractions):
                    row = int(fractions[0])
                    raise DataError(
                        f"{self.path} {self.location(row)} has {cells[row]:g} in column {name}; "
                        f"allowed: text or whole numbers"
                    )
                return [str(int(cell)) for cell in cells.tolist()]
            return [str(cell) for cell in cells.tolist()]
        empty = next((row for row, cell in enumerate(cells) if not cell.strip()), None)
        if empty is not None:
            raise self._no_value(empty, name)
        return list(cells)

    def refuse_duplicates(self, names: Sequence[str]) -> None:
        """Refuse names that two columns have.

        Raises:
            DataError: there are such columns.
        """
        duplicate = next((name for name in names if self.names.count(name) > 1), None)
        if duplicate is not None:
            raise DataError(f"{self.path} has two columns named {duplicate}; keep one")
