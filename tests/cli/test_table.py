"""Numbers and tables as a terminal shows them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dressform.cli.table import print_table
from dressform.core.numbers import duration, percent, percent_range, time_left
from dressform.core.text import columns, shortened


def test_one_number_style() -> None:
    assert [percent(x) for x in (0.934, None, 1.0)] == ["93.40 %", "-", "100.00 %"]
    assert [duration(s) for s in (0, 11.82, 59.96, 98, 3599.6, 7500, 360_000)] == [
        "0.0 s",
        "11.8 s",
        "1:00 min",
        "1:38 min",
        "1:00 h",
        "2:05 h",
        "100:00 h",
    ]
    assert (percent(0.934, 1), percent_range(0.929, 0.9387)) == ("93.4 %", "92.90 to 93.87")
    assert (time_left(17.6), time_left(98)) == ("18 s left", "1:38 min left")


def test_long_names_are_shortened_in_the_middle() -> None:
    assert shortened("transfer-efficientnet-lite0", 12) == "transf…lite0"
    assert shortened("short", 12) == "short"
    for width in range(1, 12):
        assert columns(shortened("图像图像图像图像", width)) <= width


@pytest.mark.parametrize("width", [50, 80, 200])
def test_tables_fit(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    name, numbers = "a-very-long-name-of-a-recipe-that-ends-here", [f"{n:.2f} %" for n in range(9)]
    header = ("name", "description", *(f"column {n}" for n in range(9)), "folder")
    row = (name, "what it is, in words " * 3, *numbers, "runs/a/b/c" * 4)
    print_table(header, [row], wrap=(1,), optional=(11,))
    out = capsys.readouterr().out
    assert max(map(columns, out.splitlines())) <= width
    assert all(number in out for number in numbers)  # what does not fit beside stands below
    assert ("(folder: in a wider terminal, or with --json)" in out) == (row[-1] not in out)
    assert " ".join(out.split()).count("what it is") >= 1


def test_a_file_gets_all_of_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(("name", "x"), [("n" * 300, "1")])
    assert "n" * 300 in capsys.readouterr().out


def test_colours_only_where_they_are_wanted() -> None:
    code = (
        "from dressform.cli.progress import bars, coloured\n"
        "console, _ = bars()\n"
        "console.print(coloured('loss 0.3 accuracy 94.20 %'))\n"
    )
    shown = {}
    for name, extra in {
        "colour": {"FORCE_COLOR": "1"},
        "plain": {"FORCE_COLOR": "1", "NO_COLOR": "1"},
        "pipe": {},
    }.items():
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
        environment = {**kept, "TERM": "xterm", **extra}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        shown[name] = done.stderr
    assert "\x1b[36m" in shown["colour"]
    assert "\x1b[3" not in shown["plain"]
    assert shown["pipe"] == "loss 0.3 accuracy 94.20 %\n"


def test_a_reader_who_leaves_loses_the_output_only(tmp_path: Path) -> None:
    """``dressform … | head -1``, with the results and with progress."""
    code = (
        "import sys\nfrom dressform.cli.output import Shown\n"
        "sys.stdout, sys.stderr = Shown(sys.stdout, 'o', escape=True), Shown(sys.stderr, 'e', "
        "escape=False)\n"
        "for i in range(20000):\n    print('x' * 80)\n    print('y' * 80, file=sys.stderr)\n"
        f"sys.stdout.flush()\nopen({str(tmp_path / 'done')!r}, 'w').write('yes')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert (tmp_path / "done").read_text() == "yes"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_named() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dressform", "recipes"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "dressform: standard output: No space left on device\n"
