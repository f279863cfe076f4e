"""Rows are appended to the file that has the name, whatever other processes do."""

from io import FileIO
from pathlib import Path

import pytest

from dressform.predict.row_file import CsvRows, RowFile


def test_a_file_replaced_while_its_lock_is_awaited_is_opened_again(tmp_path: Path) -> None:
    """Rows would go into a file that has no name any more."""
    path = tmp_path / "a.csv"
    rows = CsvRows(["path"])
    first = RowFile(path, rows)
    first.append([{"path": "x"}])
    first.close()
    opened: list[FileIO] = []

    def replacing(name: Path, mode: str) -> FileIO:
        file = FileIO(name, mode)
        if not opened:  # the other process replaces it between opening and locking
            path.replace(tmp_path / "old.csv")
            path.write_bytes((tmp_path / "old.csv").read_bytes())
        opened.append(file)
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dressform.predict.row_file.FileIO", replacing)
        second = RowFile(path, rows)
    second.append([{"path": "z"}])
    second.close()
    assert len(opened) == 2
    assert path.read_text().split() == ["path", "x", "z"]
