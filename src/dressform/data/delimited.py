"""Text tables of any separator and encoding: `Delimited`."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.file_kinds import kind_of_start
from dressform.core.files import gunzip
from dressform.core.text import is_number
from dressform.data.file_tree import File
from dressform.data.image import SUFFIXES as IMAGE_SUFFIXES

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".arff")
MAX_BYTES = 2**31
"""Decompressed bytes of a table."""
_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE = 30


@dataclass(frozen=True, eq=False)
class Delimited:
    """A table whose cells are not parsed yet.

    Attributes:
        name: for messages.
        body: UTF-8 lines without the header, separated by ``\\n``.
        separator: between cells.
        header: names of the columns, or None.
        first_line: number of the first line of ``body`` in the file, from 1.
        values: column -> allowed values, in order, where the file declares them (ARFF).
        quote: around cells with a separator.
        note: for the user, on how the text was read; or empty.
    """

    name: str
    body: bytes
    separator: str
    header: tuple[str, ...] | None
    first_line: int
    values: dict[str, tuple[str, ...]]
    quote: str = '"'
    note: str = ""

    @property
    def width(self) -> int:
        """Columns."""
        if self.header is not None:
            return len(self.header)
        return len(next(self.rows(1), []))

    def rows(self, most: int | None = None) -> Iterator[list[str]]:
        """The cells of each row, without blanks around them; at most ``most`` rows.

        Raises:
            DataError: a cell is too long, or a row has another number of cells.
        """
        text = io.StringIO(self.body.decode("utf-8", "replace"), newline="")
        reader = csv.reader(
            text,
            delimiter=self.separator,
            quotechar=self.quote,
            skipinitialspace=True,
        )
        width = None if self.header is None else len(self.header)
        try:
            for count, cells in enumerate(reader):
                if count == most:
                    return
                if not cells or cells == [""]:
                    continue
                width = width or len(cells)
                if len(cells) != width:
                    line = self.first_line + reader.line_num - 1
                    raise DataError(
                        f"{self.name} line {line} has {len(cells)} values but the first line has "
                        f"{width}; fix that line"
                    )
                yield [cell.strip() for cell in cells]
        except csv.Error as error:
            line = self.first_line + reader.line_num - 1
            raise DataError(
                f"{self.name} line {line} cannot be read ({error}); fix that line"
            ) from None

    def numbers(self, columns: list[int]) -> NDArray[Any]:
        """Numbers in some columns, int32 or float64 [N, C], in the order of ``columns``.

        Raises:
            DataError: a row has another number of values.
            ValueError: a value is no number; the message tells where.
        """
        self.check_rows()
        lines = self.body.split(b"\n")
        everything = sorted(columns) == list(range(self.width))
        for kind in (np.int32, np.float64):
            try:
                values = np.loadtxt(
                    lines,
                    dtype=kind,
                    usecols=None if everything else columns,
                    delimiter=None if self.separator == " " else self.separator,
                    quotechar=self.quote,
                    comments=None,
                    ndmin=2,
                )
            except (ValueError, OverflowError) as error:
                problem = str(error)
                continue
            return values[:, columns] if everything and columns != sorted(columns) else values
        raise ValueError(problem)

    def check_rows(self) -> None:
        """Check that all rows have as many values, without parsing them.

        Raises:
            DataError: one has not.
        """
        text = np.frombuffer(self.body, np.uint8)
        ends = np.append(np.flatnonzero(text == ord("\n")), len(text))
        marks = np.flatnonzero(text == ord(self.separator))
        if self.quote.encode() in self.body:  # a separator between quotation marks is none
            inside = np.cumsum(text == ord(self.quote)) % 2 == 1
            marks = marks[~inside[marks]]
        per_row = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        blank = np.diff(ends, prepend=-1) == 1
        wrong = np.flatnonzero((per_row != self.width) & ~blank)
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{self.name} line {row + self.first_line} has {per_row[row]} values but the first "
                f"line has {self.width}; the file is truncated or damaged there"
            )


def read_delimited(file: File) -> Delimited:
    """Read a text table; encoding, separator and header are found.

    Args:
        file: CSV, TSV or ARFF, gzip or not; UTF-8, UTF-16 or Windows-1252.

    Raises:
        DataError: it is damaged, too large, or no text.
    """
    text, note = _text(file)
    if file.suffix == ".arff":
        return replace(_arff(text, file.name), note=note)
    known = kind_of_start(text[:200].encode())
    if known:
        raise DataError(f"{file.name} is {known}; expected a table")
    declared = re.match(r"sep=(.)\n", text)  # as Excel reads and writes it
    if declared:
        text = text[declared.end() :]
    lines = [line for line in text[: 2**20].split("\n")[:_SAMPLE] if line.strip()]
    if not lines:
        raise DataError(f"{file.name} has no rows; expected a header and one example per row")
    separator = declared[1] if declared else _separator(lines)
    if separator == " ":  # one or several, to line the columns up
        text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        lines = [" ".join(line.split()) for line in lines]
    first = next(csv.reader([lines[0]], delimiter=separator, skipinitialspace=True))
    second = next(csv.reader(lines[1:2], delimiter=separator, skipinitialspace=True), [])
    header = None
    body, first_line = text.rstrip(), 1
    if _is_header(first, second):
        header = tuple(cell.strip() for cell in first)
        body, first_line = text.partition("\n")[2].rstrip(), 2
    if not body.strip():
        raise DataError(f"{file.name} has no rows; expected a header and one example per row")
    return Delimited(file.name, body.encode(), separator, header, first_line, {}, note=note)


def _text(file: File) -> tuple[str, str]:
    """The text, and a note where its encoding had to be guessed."""
    if file.size > MAX_BYTES:
        raise DataError(f"{file.name} has {file.size:,} bytes; allowed: {MAX_BYTES:,}; split it")
    raw = file.read()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gunzip(raw, MAX_BYTES)
        except ValueError as error:
            raise DataError(f"{file.name} is too long: {error}; split it") from None
        except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
            raise DataError(
                f"{file.name} is a damaged gzip file ({error}); download it again"
            ) from None
    encoding = "utf-8-sig"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif raw[:200].count(b"\0") * 3 > len(raw[:200]):
        encoding = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    elif b"\0" in raw[:4096]:
        known = kind_of_start(raw[:200])
        raise DataError(
            f"{file.name} is {known or f'not a text table (it starts with {raw[:8]!r})'}; expected "
            f"a table"
        )
    note = ""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise DataError(
                f"{file.name} is not {encoding} text ({error.reason} at byte {error.start}); save "
                f"it as UTF-8"
            ) from None
        text = raw.decode("cp1252", "replace")
        note = (
            f"{file.name} is not UTF-8 and was read as Windows-1252; if names look wrong, save it "
            f"as UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), note


def _separator(lines: list[str]) -> str:
    """The separator that gives the most cells, as many in each line."""
    best, most = ",", 1
    for separator in _SEPARATORS:
        counts = [len(c) for c in csv.reader(lines, delimiter=separator) if c]
        # the last line of a sample, or of a truncated file, may be cut off
        if counts and counts[0] > most and sum(n == counts[0] for n in counts) * 2 > len(counts):
            best, most = separator, counts[0]
    if most == 1 and all(is_number(cell) for line in lines for cell in line.split()):
        return " "
    return best


def _is_header(first: list[str], second: list[str]) -> bool:
    """Whether the first row names columns: a text, where the second row has numbers or files."""
    if any(cell.strip().lower().endswith(IMAGE_SUFFIXES) for cell in first):
        return False
    if all(is_number(cell.strip()) for cell in first):
        # column names may be numbers: 0, 1, 2, …
        return len(first) > 2 and [c.strip() for c in first[1:]] == [
            str(i) for i in range(len(first) - 1)
        ]
    known = {"label", "class", "target", "id", "image", "filename", "file", "path"}
    names = sum(not is_number(cell.strip()) for cell in first)
    values = sum(not is_number(cell.strip()) for cell in second)
    return (
        names > values
        or not second
        or bool(known & {c.strip().lower() for c in first})
        or (names == len(first))
    )


_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+(.+)", re.IGNORECASE)


def _arff(text: str, name: str) -> Delimited:
    """ARFF, as OpenML and Weka write it (https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/)."""
    text = text.replace("\\'", "''").replace('\\"', '""')  # as CSV writes a quotation mark
    names: list[str] = []
    values: dict[str, tuple[str, ...]] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("%") or stripped.lower().startswith("@relation"):
            continue
        if stripped.lower().startswith("@data"):
            body = [one for one in lines[number:] if one.strip() and not one.startswith("%")]
            if not body:
                raise DataError(f"{name} has no rows after @data; download it again")
            if body[0].lstrip().startswith("{"):
                raise DataError(f"{name} is sparse ARFF; allowed: dense; convert it")
            return Delimited(
                name,
                "\n".join(body).rstrip().encode(),
                ",",
                tuple(names),
                number + 1,
                values,
                '"' if '"' in "".join(body[:20]) else "'",
            )
        found = _ATTRIBUTE.fullmatch(stripped)
        if found is None:
            raise DataError(
                f"{name} line {number} is not a line of an ARFF header: {stripped[:40]!r}"
            )
        attribute, kind = found[1].strip("'\""), found[2].strip()
        names.append(attribute)
        if kind.startswith("{") and kind.endswith("}"):
            cells = next(csv.reader([kind[1:-1]], quotechar="'", skipinitialspace=True))
            values[attribute] = tuple(cell.strip() for cell in cells)
    raise DataError(f"{name} has no @data; download it again")
