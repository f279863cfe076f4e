"""`ListingTable`: a table of texts, from CSV, JSON lines or Parquet."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dressform.core.errors import DataError
from dressform.data.archive_tree import open_tree
from dressform.data.delimited import SUFFIXES as TEXT_SUFFIXES
from dressform.data.delimited import Delimited, read_delimited
from dressform.data.file_tree import File, FileTree, walk
from dressform.data.image import SUFFIXES as IMAGE_SUFFIXES
from dressform.data.leftovers import is_leftover
from dressform.data.parquet import ParquetTable

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
SUFFIXES = (*TEXT_SUFFIXES, *JSON_SUFFIXES, ".parquet")


@dataclass(frozen=True, eq=False)
class ListingTable:
    """Columns of texts.

    Attributes:
        file: that it was read from.
        columns: name -> cells [N]; a cell without a value is empty.
        note: for the user, on how the text was read; or empty.
    """

    file: File
    columns: dict[str, list[str]]
    note: str = ""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))


def read_listing_table(file: File, delimited: Delimited | None = None) -> ListingTable:
    """Read a table of texts.

    Args:
        file: one of ``SUFFIXES``.
        delimited: the same, where it was opened already.

    Raises:
        DataError: it is damaged, or no table.
    """
    if file.suffix == ".parquet":
        table = ParquetTable(file)
        image = table.image_column(None)
        return ListingTable(
            file, {name: table.texts(name) for name in table.names if name != image}
        )
    if file.suffix in JSON_SUFFIXES:
        return _from_json(file)
    opened = delimited or read_delimited(file)
    rows = list(opened.rows())
    names = opened.header or tuple(f"column {i + 1}" for i in range(opened.width))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{file.name} has two columns called {twice!r}; rename one")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return ListingTable(file, columns, opened.note)


def open_listed(table: ListingTable, here: Path) -> FileTree:
    """The files beside a table: in the folders that its cells name, where a column leads to files
    only; else everything below its folder, which may be much more than the table's images.

    Args:
        table: of images, perhaps.
        here: the folder that it lies in.

    Raises:
        DataError: the folder cannot be read.
    """
    for cells in table.columns.values():
        paths = [cell.strip().replace("\\", "/").removeprefix("./") for cell in cells]
        if not paths or not all(_is_below(path) and (here / path).is_file() for path in paths):
            continue
        tree = FileTree(here, strict=False)
        for entry in here.iterdir():
            if entry.is_file() and not is_leftover(entry.name):
                tree.add(entry.name, entry)
        for folder in {path.partition("/")[0] for path in paths if "/" in path}:
            walk(tree, here / folder, folder, (), 1)
        tree.files.sort(key=lambda file: file.parts)
        return tree
    return open_tree(here, strict=False)


def _is_below(path: str) -> bool:
    """Whether a cell may be the path of an image below the table's folder."""
    return path.lower().endswith(IMAGE_SUFFIXES) and path[0] != "/" and ".." not in path.split("/")


def _from_json(file: File) -> ListingTable:
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file.name} is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    rows: list[Any] = []
    number = 0
    try:
        if file.suffix == ".json":
            rows = _whole_document(text)
        if not rows:
            for number, line in enumerate(text.splitlines(), 1):  # noqa: B007 - for the message
                rows += [json.loads(line)] if line.strip() else []
    except (ValueError, RecursionError) as error:
        where = f" line {number}" if number else ""
        raise DataError(f"{file.name}{where} is not JSON ({error}); fix it") from None
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{file.name} has no rows; expected one JSON object per image")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return ListingTable(file, {name: [_text(row.get(name)) for row in rows] for name in names})


def _whole_document(text: str) -> list[Any]:
    """The rows of one JSON list; none where the file has a document in each line."""
    try:
        whole = json.loads(text)
    except ValueError:
        return []
    return whole if isinstance(whole, list) else []


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
