"""Groups from the data to the files of runs and cross-validations."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import DataError, RunError
from dressform.data.dataset import DatasetSplits
from dressform.evaluation.evaluate import evaluate
from dressform.runs.crossval import CrossvalRun
from tests.data.grouped import grouped
from tests.experiment.calls import DENSE, crossval, train_run


@pytest.fixture(scope="module")
def groups(pupil: DatasetSplits) -> DatasetSplits:
    """300 images in 60 groups, each with images of several classes."""
    names = [f"sender{i % 60}" for i in range(len(pupil.train))]
    return DatasetSplits("groups", grouped(pupil.train, names))


@pytest.fixture(scope="module")
def study(groups: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> CrossvalRun:
    out = tmp_path_factory.mktemp("runs")
    (run,) = crossval(["simple-dense"], groups, folds=3, settings=DENSE, workers=2, out=out)
    return run


def test_folds_in_worker_processes_keep_groups(study: CrossvalRun, groups: DatasetSplits) -> None:
    (predictions,), (fold,) = study.out_of_fold()
    assert predictions.groups is not None
    assert groups.train.groups is not None
    assert np.array_equal(predictions.groups, groups.train.groups)
    pairs = set(zip(predictions.groups.tolist(), fold.tolist(), strict=True))
    assert len(pairs) == 60
    assert "60 groups" in evaluate(predictions, resamples=50).accuracy.method


def test_plan_and_summary_say_how_many_groups_there_are(
    study: CrossvalRun, groups: DatasetSplits
) -> None:
    plan = json.loads(study.layout.plan.read_text())
    assert plan["groups"] == 60
    assert plan["grouped_by"] == "the data's own groups"
    assert study.summary.groups == 60
    from dressform.cli.output import describe_folds

    assert "over 3 folds of 60 groups," in describe_folds(study.summary)


def test_a_summary_without_groups_is_what_it_was(pupil: DatasetSplits, tmp_path: Path) -> None:
    (run,) = crossval(["simple-dense"], pupil, folds=2, settings=DENSE, workers=1, out=tmp_path)
    assert "groups" not in json.loads(run.layout.summary.read_text())
    assert run.out_of_fold()[0][0].groups is None
    assert json.loads(run.layout.plan.read_text())["groups"] is None


def test_other_groups_are_other_data(
    study: CrossvalRun, groups: DatasetSplits, tmp_path: Path
) -> None:
    names = [f"sender{i % 50}" for i in range(len(groups.train))]
    other = DatasetSplits("groups", grouped(groups.train, names))
    with pytest.raises(RunError, match="was trained on different data"):
        crossval(
            ["simple-dense"],
            other,
            folds=3,
            settings=DENSE,
            workers=1,
            out=study.path.parents[2],
            resume=True,
        )
    (different,) = crossval(
        ["simple-dense"], other, folds=3, settings=DENSE, workers=1, out=tmp_path
    )
    with pytest.raises(DataError, match="different folds|different groups"):
        dressform.compare(study, different)


def test_a_run_holds_out_groups_and_its_manifest_says_so(
    groups: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train_run(
        "simple-dense", groups, settings=(*DENSE, "validation_fraction=0.2"), out=tmp_path
    )
    facts = run.manifest.dataset
    assert facts.groups["train"] + facts.groups["validation"] == 60
    assert facts.grouped_by == "the data's own groups"
    predictions = run.predictions("validation")
    assert predictions.groups is not None
    assert len(set(predictions.groups.tolist())) == facts.groups["validation"]
    report = run.layout.report.read_text()
    assert f"{facts.groups['validation']} groups" in report


def test_a_training_without_groups_on_names_that_suggest_some_prints_one_note(
    pupil: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = np.array([f"a/sku{i // 3:03d}_{i % 3}.jpg" for i in range(len(pupil.train))])
    named = DatasetSplits("named", dataclasses.replace(pupil.train, ids=ids))
    dressform.crossval("simple-dense", named, folds=2, settings=DENSE, workers=1, out=tmp_path)
    notes = [r.getMessage() for r in caplog.records if "groups=" in r.getMessage()]
    assert len(notes) == 1
    assert notes[0].startswith("300 images look like 100 groups of numbered images")
