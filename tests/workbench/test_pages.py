"""report, explore, export and figures of runs, predictions and paths."""

from pathlib import Path

import pytest

import dressform
from dressform import explore, report
from dressform.core.errors import ConfigError
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run

PAGE = "<!doctype html>"


def test_report_of_a_run_a_path_and_predictions(
    named_run: Run, predictions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, what in enumerate((named_run, [named_run.path], named_run.predictions())):
        out = tmp_path / f"{number}.html"
        assert report(what, out=out, data=named_run.manifest.dataset.source) == out
        assert out.read_text().startswith(PAGE)
    with pytest.raises(ConfigError, match="predictions have no folder for the page"):
        report(named_run.predictions())
    monkeypatch.chdir(tmp_path)
    made = report(named_run.layout.onnx, data=named_run.manifest.dataset.source)
    assert (made.name, made.resolve().parent) == ("report-small.html", tmp_path.resolve())


def test_explore_writes_one_page(named_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "explore.html"
    assert explore(named_run, out=out, split="validation", methods=["pca"]) == out
    assert out.read_text().startswith(PAGE)


def test_export_for_tensorboard_and_as_a_page(named_run: Run, tmp_path: Path) -> None:
    files = dressform.export(named_run, tmp_path / "board", to="tensorboard", embedding="pixels")
    assert files
    assert all(
        path.stat().st_size > 0 and path.is_relative_to(tmp_path / "board") for path in files
    )
    (page,) = dressform.export(named_run.path, tmp_path / "classify.html", to="page")
    assert page.read_text().startswith(PAGE)
    with pytest.raises(dressform.DressformError, match="did you mean tensorboard"):
        dressform.export(named_run, tmp_path / "x", to="tensorbord")


def test_figures_are_drawn_again(study: CrossvalRun) -> None:
    before = {path: path.read_bytes() for path in study.layout.figures.iterdir()}
    assert before
    for path in before:
        path.unlink()
    for what in (study, study.path):
        assert set(dressform.draw_figures(what)) >= before.keys()
        assert {path: path.read_bytes() for path in before} == before
