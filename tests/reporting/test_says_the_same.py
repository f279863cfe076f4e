"""What a page says of a comparison is what the command says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

import dressform
from dressform.data.dataset import DatasetSplits
from dressform.predictions import save_predictions
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run
from tests.cli.command import json_of

DENSE = ("batch_size=50", "precision=float32", "optim.lr=0.05")


@pytest.fixture(scope="module")
def studies(fashion: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> list[CrossvalRun]:
    """Two cross-validations, the second better in most examples but not in each fold alike."""
    data, out = (
        DatasetSplits("pupil", fashion.train.take(np.arange(600))),
        tmp_path_factory.mktemp("runs"),
    )
    made = []
    for epochs in (2, 3):
        settings = [*DENSE, f"epochs={epochs}"]
        made += dressform.crossval(
            "simple-dense", data, folds=3, repeats=2, settings=settings, workers=1, out=out
        )
    return made


def document_of(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    start = text.index('<script type="application/json"')
    return json.loads(
        text[text.index(">", start) + 1 : text.index("</script>", start)].replace("<\\/", "</")
    )


def compared(tmp_path: Path, *what: Path) -> tuple[Any, Any]:
    """What the page and the command say; every number and sentence."""
    command: Any = json_of("compare", *what)
    json_of("report", *what, "--out", tmp_path / "page.html")
    page = document_of(tmp_path / "page.html")
    rows = [
        {name: value for name, value in row.items() if name != "difference_text"}
        for row in page["comparisons"]
    ]
    return rows, command


def test_of_cross_validations(studies: list[CrossvalRun], tmp_path: Path) -> None:
    page, command = compared(tmp_path, *(study.path for study in studies))
    assert page == command
    assert page[0]["test"] == "corrected resampled t-test (Nadeau-Bengio)"
    assert page[0]["n"] == 6


def test_of_runs_predictions_and_three_at_once(named_run: Any, tmp_path: Path) -> None:
    first = named_run.predictions("test")
    random = np.random.default_rng(0)
    files = [named_run.path]
    for i in range(2):
        other = type(first)(
            first.ids,
            first.labels,
            first.logits + random.normal(0, 2, first.logits.shape).astype(np.float32),
            first.class_names,
        )
        save_predictions(other, tmp_path / f"{i}.npz")
        files.append(tmp_path / f"{i}.npz")
    page, command = compared(tmp_path, *files)
    assert page == command
    assert len(page) == 3
    assert page[0]["p_holm"] >= page[0]["p_value"]


def test_the_same_file_twice_under_two_names(studies: list[CrossvalRun], tmp_path: Path) -> None:
    page, command = compared(tmp_path, studies[0].path, studies[0].path)
    assert page == command
    assert page[0]["a"] != page[0]["b"]


def test_the_scores_of_a_cross_validation_are_those_of_its_folds(
    studies: list[CrossvalRun], tmp_path: Path
) -> None:
    json_of("report", studies[0].path, "--out", tmp_path / "page.html")
    shown = {
        row["title"]: row for row in document_of(tmp_path / "page.html")["runs"][0]["estimates"]
    }
    for name, estimate in studies[0].summary.estimates.items():
        from dressform.evaluation.metrics import METRICS

        row = shown[METRICS[name].title]
        assert {key: row[key] for key in ("value", "low", "high", "method")} == {
            key: getattr(estimate, key) for key in ("value", "low", "high", "method")
        }


def test_the_scores_of_a_run_are_those_of_evaluate(named_run: Run, tmp_path: Path) -> None:
    """Every metric, class and cell; areas under curves are scikit-learn's, and thresholds do on the
    test images what is said, chosen on the validation images.
    """
    json_of("report", named_run.path, "--out", tmp_path / "page.html")
    (page,) = document_of(tmp_path / "page.html")["runs"]
    command: Any = json_of("evaluate", named_run.path)
    estimates = {row["name"]: row for row in page["estimates"]}
    assert estimates.keys() == command["estimates"].keys()
    for name, estimate in command["estimates"].items():
        assert {key: estimates[name][key] for key in estimate} == estimate
    assert page["per_class"] == command["per_class"]
    assert page["confusion"] == command["confusion"]

    test = named_run.predictions("test")
    areas = {
        "average_precision": sklearn.metrics.average_precision_score,
        "roc_auc": sklearn.metrics.roc_auc_score,
    }
    for name, area in areas.items():
        expected = [
            area(test.labels == c, test.probabilities[:, c]) for c in range(len(test.class_names))
        ]
        shown = [row[name]["value"] for row in page["curves"]]
        assert shown == pytest.approx(expected, abs=1e-12)
        assert page[f"macro_{name}"] == pytest.approx(np.mean(expected), abs=1e-12)

    validation = named_run.predictions("validation")
    selective = page["selective"]
    assert selective["chosen_on"] == f"{len(validation):,} validation images"
    assert selective["measured_on"] == f"{len(test):,} test images"
    rows = [*selective["curve"], *(row["point"] for row in selective["targets"] if row["point"])]
    for row in rows:
        answered = test.probabilities.max(axis=1) >= row["threshold"]
        assert row["coverage"][0] == answered.mean()
        if answered.any():
            correct = (test.predicted == test.labels)[answered]
            assert row["precision"][0] == correct.mean()
    for row in selective["targets"]:
        if row["point"]:
            answered = validation.probabilities.max(axis=1) >= row["point"]["threshold"]
            correct = (validation.predicted == validation.labels)[answered]
            assert correct.mean() >= row["precision"]
