import sys
from pathlib import Path

import pytest

from tests.kills import exists, kill_when


def python(code: str, *words: str | Path) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


def test_a_command_is_killed_in_the_middle(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "(folder / 'begun').touch(); time.sleep(60); (folder / 'done').touch()"
    )
    kill_when(python(code, tmp_path), exists(tmp_path, "begun"))
    assert (tmp_path / "begun").exists()
    assert not (tmp_path / "done").exists()


def test_a_command_that_ends_by_itself_is_no_kill(tmp_path: Path) -> None:
    code = "import sys; print('I am done', file=sys.stderr)"
    with pytest.raises(AssertionError, match="ended too early: I am done"):
        kill_when(python(code), exists(tmp_path, "begun"))


def test_a_moment_that_never_comes_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"not reached within 0\.1 s"):
        kill_when(python("import time; time.sleep(60)"), exists(tmp_path, "begun"), deadline=0.1)
