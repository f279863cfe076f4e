"""``dressform runs`` and its sub-commands."""

import sys
from pathlib import Path

import pytest

from dressform.cli import runs as command
from dressform.core.text import columns
from tests.cli.command import dressform_command, error_of, json_of
from tests.runs.made_runs import make_crossval, make_run, make_tuning


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    make_run(root, val=0.90, test=0.8912)
    make_run(
        root, "transfer-efficientnet-lite0", data="a data set of photos, which has a long name"
    )
    make_crossval(root, finished=False)
    make_tuning(root)
    return tmp_path


def test_the_table_fits_80_columns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dressform.workbench.runs import list_runs

    monkeypatch.setenv("COLUMNS", "80")
    command._print(list_runs(folder / "runs"), folder / "runs")
    out = capsys.readouterr().out
    paths = [line for line in out.splitlines() if line.startswith("* best on validation")]
    assert all(columns(line) <= 80 for line in out.splitlines() if line not in paths)
    assert len(paths) == 2  # whole, to be copied
    for word in ("90.00", "89.12", "1,679,082", "1:38 min", "2026-11-01", "stopped", "test %"):
        assert word in out
    assert "never used to choose" in out


def test_before_the_first_training(tmp_path: Path) -> None:
    said = dressform_command("runs", cwd=tmp_path).stdout
    assert "no runs yet; dressform train fast" in said
    assert json_of("runs", cwd=tmp_path) == []
    assert "none does not exist" in error_of("runs", "--out", "none", cwd=tmp_path)


def test_list_show_annotate_and_remove(folder: Path) -> None:
    rows = json_of("runs", "--data", "photos", cwd=folder)
    assert isinstance(rows, list)
    assert [(r["kind"], r["status"], r["best"]) for r in rows] == [
        ("run", "finished", True),
        ("tuning", "finished", False),
        ("crossval", "stopped", False),
    ]
    run = rows[0]["path"]
    assert json_of("runs", "rename", run, "first", cwd=folder) == {
        "name": "first",
        "note": "",
        "tags": [],
    }
    json_of("runs", "note", "first", "a note", cwd=folder)
    json_of("runs", "tag", "first", "x", "y", cwd=folder)
    given = json_of("runs", "tag", "first", "--remove", "x", cwd=folder)
    assert given == {"name": "first", "note": "a note", "tags": ["y"]}
    shown = dressform_command("runs", "show", "first", cwd=folder).stdout
    for text in ("a note", "90.00 %", "1,679,082", "train it again:\n  dressform train fast"):
        assert text in shown
    document = json_of("runs", "show", "first", cwd=folder)
    assert isinstance(document, dict)
    assert document["manifest"]["recipe"] == "fast"

    assert "nobody can answer here; give --yes" in error_of("runs", "rm", run, cwd=folder, code=2)
    assert json_of("runs", "rm", "first", "--yes", cwd=folder) == {"deleted": [run]}
    assert not (folder / run).exists()
    assert "no such runs" in dressform_command("runs", "--tag", "y", cwd=folder).stdout
    message = error_of("runs", "--data", "x", "show", run, cwd=folder, code=2)
    assert "--data stands before show, where it means nothing" in message


def test_it_asks_before_it_deletes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = folder / "runs/photos/fast-12345678/seed0"
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    answers = [False, True]
    monkeypatch.setattr("typer.confirm", lambda text, err: answers.pop(0))
    for exists in (True, False):
        command.remove([str(run)], yes=False, out=folder / "runs", as_json=False)
        assert run.exists() is exists


def test_the_page_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, seen = folder / "browser.sh", folder / "seen"
    script.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    script.chmod(0o755)
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    monkeypatch.setenv("BROWSER", f"{script} %s")
    from dressform.cli.browser import open_in_browser

    page = folder / "a page.html"
    page.write_text("")
    open_in_browser(page)
    assert seen.read_text().strip() == page.resolve().as_uri()
