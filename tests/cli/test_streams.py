"""What the caller of a command took away: its streams, or the folder that it is started in."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.cases import write_image


def shell(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A line of a shell in which $D is dressform."""
    start = f"D='{sys.executable} -m dressform'; {line}"
    return subprocess.run(["sh", "-c", start], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_image(tmp_path / "a.png", "dress", 0)


def test_a_closed_stdout_is_told_and_files_are_written(photo: Path) -> None:
    done = shell("$D predict a.png --model shipped --out a.csv >&-", photo.parent)
    assert done.returncode == 0, done.stderr
    assert "note: standard output is closed, so results are not printed" in done.stderr
    assert len((photo.parent / "a.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_stop_the_work(photo: Path, closed: str) -> None:
    done = shell(f"$D predict a.png --model shipped --out a.csv {closed}", photo.parent)
    assert done.returncode == 0
    assert len((photo.parent / "a.csv").read_text().splitlines()) == 2
    assert "shipped" not in done.stdout  # messages are no results
    assert shell(f"$D predict b.png --model shipped {closed}", photo.parent).returncode == 1


def test_a_current_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = shell("cd gone && rmdir ../gone && $D recipes", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "dressform: the current folder was deleted; change to another one and start again\n"
    )
