"""`RowFile`: rows appended to a CSV or JSON Lines file, whole again after a kill."""

import csv
import io
import json
import os
import sys
from collections.abc import Container, Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from dressform.core.errors import RunError
from dressform.core.files import try_lock, write_atomic
from dressform.core.text import from_table_cell, table_cell

MAX_ROW = 2**20
"""Bytes of a row; ours are shorter, and others are refused before they fill the memory."""
Cell = str | float | bool | None
Row = dict[str, Cell]


class CsvRows:
    """UTF-8, commas, a header, and no cell that a spreadsheet would run."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self.header = self.begin = self._line(self.columns)

    def encode(self, row: Row) -> bytes:
        """A row as a record."""
        return self._line([_text(row[column]) for column in self.columns])

    def decode(self, record: bytes) -> Row:
        """A record as a row of texts.

        Raises:
            ValueError: it is none of ours.
        """
        (cells,) = csv.reader(io.StringIO(record.decode(), newline=""), strict=True)
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells in place of {len(self.columns)}")
        return {
            column: from_table_cell(cell) or None
            for column, cell in zip(self.columns, cells, strict=True)
        }

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """The complete records of a file; a cell in quotes may have several lines.

        Raises:
            ValueError: one is too long.
        """
        record, quotes = bytearray(), 0
        for line in _lines(file):
            record += line
            quotes += line.count(b'"')
            if len(record) > MAX_ROW:
                raise ValueError(f"a row has more than {MAX_ROW:,} bytes")
            if line.endswith(b"\n") and quotes % 2 == 0:
                yield bytes(record)
                record, quotes = bytearray(), 0

    def _line(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerow(cells)
        return text.getvalue().encode(errors="backslashreplace")


class JsonRows:
    """JSON Lines: an object per line."""

    header = b""
    begin = b'{"path": '

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)

    def encode(self, row: Row) -> bytes:
        """A row as a record."""
        line = json.dumps({c: row[c] for c in self.columns}, ensure_ascii=False, allow_nan=False)
        return line.encode(errors="backslashreplace") + b"\n"

    def decode(self, record: bytes) -> Row:
        """A record as a row.

        Raises:
            ValueError: it is none of ours.
        """
        try:
            row: Any = json.loads(record)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        if not isinstance(row, dict) or tuple(row) != self.columns:
            raise ValueError("its keys differ")
        return row

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """The complete records of a file.

        Raises:
            ValueError: one is too long.
        """
        return (line for line in _lines(file) if line.endswith(b"\n"))


RowFormat = CsvRows | JsonRows


class RowFile:
    """A file to which rows are appended, each whole on disk before the next is begun.

    What a kill left of a last row is cut off when the file is opened.

    Args:
        path: the file; made if it is absent.
        rows: how rows are written.

    Attributes:
        written: rows that were appended since it was opened.

    Raises:
        RunError: the file holds something else, another process is writing it, or it cannot be
            written.
    """

    def __init__(self, path: Path, rows: RowFormat) -> None:
        self.path, self.rows = path, rows
        self.written = 0
        try:
            self._file = self._opened()
        except OSError as error:
            raise RunError(
                f"{path} cannot be written ({error.strerror}); give a writable path with out="
            ) from error
        try:
            self._repair()
        except BaseException:
            self._file.close()
            raise

    def read(self) -> Iterator[Row]:
        """All rows.

        Raises:
            RunError: a row was changed by another program.
        """
        for _, _, row in self.read_with_offsets():
            yield row

    def read_with_offsets(self) -> Iterator[tuple[int, int, Row]]:
        """Where each row begins and ends, and the row."""
        with self.path.open("rb") as file:
            start, number = file.seek(len(self.rows.header)), 1
            try:
                for record in self.rows.records(file):
                    row = self.rows.decode(record)
                    yield start, start + len(record), row
                    start, number = start + len(record), number + 1
            except (ValueError, csv.Error) as error:
                raise RunError(
                    f"{self.path} row {number} is not one that predict wrote ({error}); give "
                    f"another out="
                ) from None

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows.

        Raises:
            RunError: there is no room, or the disk fails.
        """
        self._write(b"".join(map(self.rows.encode, rows)))
        self.written += len(rows)

    def remove(self, starts: Container[int]) -> None:
        """Remove the rows that begin there.

        Raises:
            RunError: there is no room, or the disk fails.
        """

        def copy_others(target: BinaryIO) -> None:
            target.write(self.rows.header)
            with self.path.open("rb") as source:
                for start, end, _ in self.read_with_offsets():
                    if start not in starts:
                        source.seek(start)
                        target.write(source.read(end - start))

        before = self._file
        try:
            write_atomic(self.path, copy_others)
            self._file = self._opened()
        except OSError as error:
            raise self._failure(error) from error
        before.close()

    def close(self) -> None:
        """Flush to disk and close; a second time does nothing."""
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failure(error) from error
        finally:
            self._file.close()

    def delete(self) -> None:
        """Close and delete."""
        if sys.platform == "win32":  # where an open file cannot be deleted
            self._file.close()
        self.path.unlink(missing_ok=True)
        self._file.close()

    def _write(self, content: bytes) -> None:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> RunError:
        return RunError(
            f"{self.path} cannot be written ({error.strerror}); its complete rows are kept, so "
            f"free some space and start the same command again"
        )

    def _opened(self) -> FileIO:
        """The file, locked; opened again if somebody replaced it in between."""
        while True:
            file = FileIO(self.path, "a+b")
            try:
                if not try_lock(file.fileno()):
                    raise RunError(
                        f"another process is writing {self.path}; wait for it or give another out="
                    )
                if sys.platform == "win32" or os.path.samestat(
                    self.path.stat(), os.fstat(file.fileno())
                ):
                    return file
            except FileNotFoundError:
                pass
            except BaseException:
                file.close()
                raise
            file.close()

    def _repair(self) -> None:
        begin = self.rows.begin
        with self.path.open("rb") as file:
            start = file.read(len(begin))
            if start != begin:
                if not begin.startswith(start):
                    raise self._is_another(start + file.readline(MAX_ROW))
                self._file.truncate(0)
                self._write(self.rows.header)
                return
            end = file.seek(len(self.rows.header))
            record = start
            try:
                for number, record in enumerate(self.rows.records(file)):
                    if number == 0:  # nothing is cut off a file of somebody else's
                        self.rows.decode(record)
                    end += len(record)
            except (ValueError, csv.Error):
                raise self._is_another(record) from None
        self._file.truncate(end)

    def _is_another(self, start: bytes) -> RunError:
        first = start.splitlines()[0].decode(errors="replace")
        if (top := self._top_of(first)) is not None:
            return RunError(
                f"{self.path} was written with top={top}; give top={top} or another out="
            )
        first = first[:100]
        return RunError(
            f"{self.path} is not a table of predict with the columns "
            f"{','.join(self.rows.columns)} (it has {first!r}); give another out="
        )

    def _top_of(self, line: str) -> int | None:
        """How many classes the rows of a table have that differs from ours only in that."""
        columns = [name.strip() for name in line.split(",")]
        if line.startswith("{"):
            try:
                columns = list(json.loads(line))
            except (ValueError, RecursionError):
                return None
        ranks = [name.rpartition("_")[2] for name in columns if name.startswith("label_")]
        ours, theirs = (
            [name for name in names if not name.startswith(("label", "probability"))]
            for names in (self.rows.columns, columns)
        )
        return len(ranks) + 1 if ours == theirs else None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, the last one perhaps without an end.

    Raises:
        ValueError: one is longer than a row may be.
    """
    while line := file.readline(MAX_ROW + 1):
        if len(line) > MAX_ROW:
            raise ValueError(f"a row has more than {MAX_ROW:,} bytes")
        yield line


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return table_cell(cell) if isinstance(cell, str) else repr(cell)
