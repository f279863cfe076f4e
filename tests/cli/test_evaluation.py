"""compare, calibrate, crossval and evaluate as a user meets them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dressform
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.evaluation.comparison import format_probability
from dressform.predictions import Predictions, save_predictions
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of, json_of
from tests.conftest import TINY

DENSE = ("epochs=2", "batch_size=50", "precision=float32", "optim.lr=0.05")


@pytest.fixture(scope="module")
def studies(fashion: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> list[CrossvalRun]:
    """Two cross-validations on the same folds."""
    data, out = (
        DatasetSplits("pupil", fashion.train.take(np.arange(300))),
        tmp_path_factory.mktemp("runs"),
    )
    return [
        *dressform.crossval(
            "simple-dense", data, folds=3, repeats=2, settings=DENSE, workers=1, out=out
        ),
        *dressform.crossval(
            "simple-dense",
            data,
            folds=3,
            repeats=2,
            settings=[*DENSE, "epochs=4"],
            workers=1,
            out=out,
        ),
    ]


@pytest.fixture(scope="module")
def other_run(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return dressform.train(
        "fast", small, settings=TINY, seed=1, out=tmp_path_factory.mktemp("runs")
    )


KEYS = {
    "a",
    "b",
    "difference",
    "low",
    "high",
    "p_value",
    "p_better",
    "p_equal",
    "p_worse",
    "verdict",
}


def test_compare_two_cross_validations(studies: list[CrossvalRun], tmp_path: Path) -> None:
    document: Any = json_of(
        "compare", *(run.path for run in studies), "--figure", tmp_path / "box.png"
    )
    (pair,) = document
    assert set(pair) >= KEYS
    expected = np.array(studies[1].accuracies) - np.array(studies[0].accuracies)
    assert pair["difference"] == pytest.approx(expected.mean())
    assert pair["p_better"] + pair["p_equal"] + pair["p_worse"] == pytest.approx(1)
    assert pair["sentence"].startswith("simple-dense epochs=2")
    assert (tmp_path / "box.png").read_bytes().startswith(b"\x89PNG")


def test_compare_two_runs_and_write_the_look_down(tiny_run: Run, other_run: Run) -> None:
    ledger = other_run.path.parents[2] / "test-ledger.jsonl"
    before = len(ledger.read_text().splitlines())
    done = dressform_command("compare", tiny_run.path, other_run.path)
    assert done.returncode == 0, done.stderr
    assert other_run.name in done.stdout
    assert "  p   " in done.stdout  # a single pair is not adjusted
    assert "McNemar, mid-p" in done.stdout
    assert "these trained models" in done.stdout
    assert json.loads(ledger.read_text().splitlines()[before])["what"] == "compare"


def test_compare_shows_long_names_once(
    tiny_run: Run, other_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = dressform_command("compare", tiny_run.path, other_run.path)
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"#1  {other_run.name}", f"#2  {tiny_run.name}"]
    assert re.search(r"^#1 +#2 +[+-]\d", done.stdout, re.MULTILINE)
    assert max(map(len, lines[2:8])) <= 80


def test_probabilities_are_never_rounded_to_none_and_all() -> None:
    shown = [format_probability(value) for value in (0.0, 0.0049, 0.005, 0.43, 0.9949, 0.995, 1)]
    assert shown == ["< 0.01", "< 0.01", "= 0.01", "= 0.43", "= 0.99", "> 0.99", "> 0.99"]


def test_compare_with_a_file_from_elsewhere(tiny_run: Run, tmp_path: Path) -> None:
    ours = tiny_run.predictions("test")
    random = np.random.default_rng(0)
    order = random.permutation(len(ours))
    theirs = Predictions(
        ours.ids,
        ours.labels,
        random.normal(size=ours.logits.shape).astype(np.float32),
        ours.class_names,
    )
    save_predictions(theirs.take(order), tmp_path / "theirs.csv")
    document: Any = json_of("compare", tiny_run.path, tmp_path / "theirs.csv")
    (pair,) = document
    assert pair["verdict"] == "worse"
    assert pair["score_b"] == pytest.approx(float((theirs.predicted == theirs.labels).mean()))
    save_predictions(theirs.take(order[1:]), tmp_path / "short.csv")
    assert "1 of 200 ids" in error_of("compare", tiny_run.path, tmp_path / "short.csv")


def test_compare_refuses_what_does_not_fit(studies: list[CrossvalRun], tiny_run: Run) -> None:
    path = studies[0].path
    assert "is a cross-validation and" in error_of("compare", path, tiny_run.path)
    assert "only one model to compare; give two or more" in error_of("compare", path)
    assert "did you mean accuracy" in error_of(
        "compare", path, studies[1].path, "--metric", "acuracy"
    )
    assert "rope is -1; allowed for accuracy: 0 to 1" in error_of(
        "compare", path, studies[1].path, "--rope", "-1"
    )


def test_compare_and_calibrate_and_evaluate_need_no_torch(
    studies: list[CrossvalRun], tmp_path: Path
) -> None:
    code = (
        "import sys; from dressform.cli.main import create_app; "
        "create_app()(standalone_mode=False); assert "
        "'torch' not in sys.modules"
    )
    paths = [str(run.path) for run in studies]
    for arguments in (
        ["compare", *paths],
        ["evaluate", paths[0]],
        ["calibrate", paths[0], "--figure", str(tmp_path / "x.png")],
    ):
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_evaluate_a_cross_validation(studies: list[CrossvalRun]) -> None:
    document: Any = json_of("evaluate", studies[0].path)
    assert document["n"] == 300
    assert document["accuracy"] == pytest.approx(np.mean(studies[0].accuracies[:3]))
    assert set(document["estimates"]) >= {
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "nll",
        "brier",
        "ece",
        "top2",
    }
    assert "--split val does not apply to a cross-validation" in error_of(
        "evaluate", studies[0].path, "--split", "val"
    )


def test_calibrate_a_run_a_cross_validation_and_a_file(
    tiny_run: Run, studies: list[CrossvalRun], tmp_path: Path
) -> None:
    of_run: Any = json_of("calibrate", tiny_run.path, "--figure", tmp_path / "a.png")
    assert len(of_run["temperatures"]) == 1
    assert "evaluated on 200" in of_run["protocol"]
    of_folds: Any = json_of(
        "calibrate", studies[0].path, "--alpha", "0.2", "--figure", tmp_path / "b.png"
    )
    assert len(of_folds["temperatures"]) == 3
    assert [s["method"] for s in of_folds["conformal"]] == ["lac", "aps", "raps"]
    assert all(0.7 < s["coverage"]["value"] < 0.9 for s in of_folds["conformal"])
    of_file: Any = json_of("calibrate", tiny_run.layout.predictions("test"))
    assert len(of_file["temperatures"]) == 5
    assert (tmp_path / "a.png").exists()
    assert (tmp_path / "b.png").exists()
    assert "alpha is 2.0; allowed: between 0 and 1" in error_of(
        "calibrate", studies[0].path, "--alpha", "2"
    )


def test_figures_of_a_cross_validation_are_drawn_anew(
    studies: list[CrossvalRun], tmp_path: Path
) -> None:
    shutil.copytree(studies[0].path, tmp_path / "study")
    shutil.rmtree(tmp_path / "study" / "figures")
    written: Any = json_of("figures", tmp_path / "study")
    assert {Path(path).name for path in written} == {
        "learning-curves.png",
        "box-plot.png",
        "reliability.png",
        "calibration.png",
        "folds.txt",
    }
    assert all(Path(path).exists() for path in written)


def test_crossval_of_two_recipes_prints_a_table(fashion: DatasetSplits, tmp_path: Path) -> None:
    write_archive(
        tmp_path / "d.npz",
        DatasetSplits(
            "d", fashion.train.take(np.arange(300)), None, fashion.train.take(np.arange(9))
        ),
    )
    common = [
        "crossval",
        "simple-dense",
        "lenet5-relu",
        "--data",
        tmp_path / "d.npz",
        "--folds",
        "2",
        "--set",
        "epochs=1",
    ]
    done = dressform_command(*common, "--out", tmp_path / "runs", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == [
        "repeat",
        "fold",
        "simple-dense",
        "epochs=1",
        "lenet5-relu",
        "epochs=1",
    ]
    assert "Is the difference real?\n  dressform compare" in done.stdout
    assert done.stderr.count(" left\n") == 4
    again: Any = json_of(*common, "--out", tmp_path / "runs")
    assert [d["recipe"] for d in again] == ["simple-dense", "lenet5-relu"]
    assert all(Path(d["out_of_fold"]).exists() for d in again)
    more = (*common, "--repeats", "2", "--out", tmp_path / "runs")
    assert "--resume continues it" in error_of(*more)
