"""``dressform predict --out``: killed and started again, its progress, what it says at the end."""

import json
import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of, json_of
from tests.kills import kill_when


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 images, of which two cannot be read."""
    folder = tmp_path_factory.mktemp("many")
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    for i in range(3000):
        Image.fromarray(np.roll(pixels, i)).save(folder / f"{i:04d}.png")
    (folder / "1000.png").write_bytes(b"")
    (folder / "2000.png").write_text("text")
    return folder


def test_killed_again_and_again_and_resumed_gives_the_same_bytes(
    many: Path, tiny_run: Run, tmp_path: Path
) -> None:
    words = ["predict", str(many), "--model", str(tiny_run.path), "--out"]
    whole, killed = tmp_path / "whole.csv", tmp_path / "killed.csv"
    assert dressform_command(*words, whole).returncode == 1
    moments = sorted(random.Random(0).sample(range(100, 2500), 3))
    for rows in moments:

        def reached(rows: int = rows) -> bool:
            return killed.exists() and killed.read_bytes().count(b"\n") > rows

        kill_when([sys.executable, "-m", "dressform", *words, str(killed)], reached)
        content = killed.read_bytes()
        assert len(content) < whole.stat().st_size
        # an error is tried again, so its row is not where it was until the end
        assert set(content.splitlines()[:-1]) <= set(whole.read_bytes().splitlines())
        killed.write_bytes(content[:-7])  # as if the last row had been half written
    done = dressform_command(*words, killed)
    assert ": 3,000 rows (" in done.stdout
    assert " from before), " in done.stdout
    assert killed.read_bytes() == whole.read_bytes()


def test_all_rows_are_written_and_errors_are_told(
    pictures: Path, tiny_run: Run, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_text("text")
    out = tmp_path / "answers.jsonl"
    words = ["predict", pictures, tmp_path / "bad.png", "--model", tiny_run.path, "--out", out]
    done = dressform_command(*words, "--threshold", "0")
    assert done.returncode == 1
    assert done.stdout == f"{out}: 4 rows, 0 unsure, 1 unreadable\n"
    assert "classifying: 4 of 4" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        f"dressform: 1 of 4 images could not be read; the column error of {out} says why; the "
        f"first: {tmp_path / 'bad.png'} is not an image"
    )
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["error"] is None for row in rows] == [True, True, True, False]
    out.unlink()
    document = json_of(*words[:2], *words[3:], "--threshold", "0")
    assert document == {
        "out": str(out),
        "images": 3,
        "already": 0,
        "changed": 0,
        "dropped": 0,
        "abstained": 0,
        "errors": 0,
    }
    (pictures_copy := tmp_path / "copies").mkdir()
    for path in pictures.iterdir():
        (pictures_copy / path.name).write_bytes(path.read_bytes())
    words = ["predict", pictures_copy, "--model", tiny_run.path, "--out", tmp_path / "b.csv"]
    assert dressform_command(*words).returncode == 0
    for path in pictures_copy.iterdir():
        path.write_bytes((pictures / "trouser.png").read_bytes())
    again = dressform_command(*words)
    assert "note: 3 images have changed since and are predicted again" in again.stderr
    message = error_of(*words, "--top", "2")
    assert "b.csv was written with --top 3; give --top 3 or another --out" in message
    assert "b.csv is a table; predict takes images; for labelled images use evaluate" in error_of(
        "predict", tmp_path / "b.csv", "--model", tiny_run.path
    )


def test_stdin_gets_a_row(pictures: Path, tiny_run: Run, tmp_path: Path) -> None:
    content = (pictures / "trouser.png").read_bytes()
    words = ["predict", "-", "--model", tiny_run.path, "--out", tmp_path / "a.jsonl"]
    assert dressform_command(*words, stdin=content).returncode == 0
    assert json.loads((tmp_path / "a.jsonl").read_text())["path"] == "-"


def test_every_error_is_told_without_a_table_too(
    pictures: Path, tiny_run: Run, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_text("text")
    (tmp_path / "notes.txt").write_text("text")
    done = dressform_command("predict", tmp_path, pictures, "--model", tiny_run.path)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) >= 3
    assert "note: left out: 1 file that is not an image" in done.stderr
    assert f"error: {tmp_path / 'b.png'} is not an image" in done.stderr
    assert f"error: {tmp_path / 'c.png'} is not an image" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"dressform: {tmp_path / 'a.png'} is not an image")
    assert last.endswith("(and 2 more unreadable images)")


def test_a_page_of_every_step_and_a_table_exclude_each_other(
    pictures: Path, tiny_run: Run, tmp_path: Path
) -> None:
    assert "give one of them" in error_of(
        "predict",
        pictures,
        "--model",
        tiny_run.path,
        "--explain",
        tmp_path / "a.html",
        "--out",
        tmp_path / "a.csv",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_name_that_is_no_text_is_in_every_table(
    pictures: Path, tiny_run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    content = (pictures / "trouser.png").read_bytes()
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(content)
    (folder / "\x1b[31mred.png").write_bytes(content)
    for suffix in (".csv", ".jsonl", ".parquet", ".csv.gz"):
        words = ["predict", folder, "--model", tiny_run.path, "--out", tmp_path / f"a{suffix}"]
        for _ in range(2):
            done = dressform_command(*words)
            assert done.returncode == 0, done.stderr
        assert "2 rows (2 from before)" in done.stdout
    assert rb"caf\udce9.png" in (tmp_path / "a.csv").read_bytes()
