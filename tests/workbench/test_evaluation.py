"""evaluate, compare, calibrate and robustness take runs, predictions and paths of them alike."""

from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import ConfigError
from dressform.core.numbers import percent
from dressform.data.dataset import DatasetSplits
from dressform.evaluation.metrics import METRICS
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run


def test_evaluate_gives_the_same_for_a_run_its_path_and_its_predictions(
    tiny_run: Run, predictions: Path
) -> None:
    test = tiny_run.predictions("test")
    expected = float((test.predicted == test.labels).mean())
    for what in (tiny_run, tiny_run.path, str(tiny_run.path), test, predictions):
        evaluation = dressform.evaluate(what)
        assert evaluation.accuracy.value == expected
        assert evaluation.accuracy.n == 200
    validation = dressform.evaluate(tiny_run, split="validation")
    assert validation.accuracy.n == len(tiny_run.predictions("validation")) == 60


def test_evaluate_gives_means_over_folds_first_and_says_what_is_pooled(study: CrossvalRun) -> None:
    pooled = study.out_of_fold()[0][0]
    for what in (study, study.path):
        evaluation = dressform.evaluate(what)
        assert evaluation.accuracy.value == float((pooled.predicted == pooled.labels).mean())
    folds = evaluation.over_folds
    assert folds is not None
    for name, row in study.summary.estimates.items():
        mean = folds.mean(METRICS[name])
        assert (mean.value, mean.low, mean.high) == (row.value, row.low, row.high)
    assert folds.sd(METRICS["accuracy"]) == study.summary.sd
    report, of_folds = evaluation.report(80), folds.text(METRICS["ece"])
    assert report.index("means over 3 folds") < report.index(of_folds) < report.index("pooled over")
    assert report.index("pooled over all folds: ") < report.index("macro average")
    assert "pooled over all folds" in evaluation._repr_html_()
    assert f"accuracy {percent(study.summary.mean)} ±" in repr(evaluation)
    over_folds = evaluation.to_json()["over_folds"]["estimates"]
    assert over_folds["accuracy"]["sd"] == study.summary.sd


@pytest.mark.parametrize("option", [{"split": "test"}, {"data": "x"}, {"image_size": 3}])
def test_evaluate_refuses_options_that_would_change_nothing(
    predictions: Path, option: dict[str, str]
) -> None:
    with pytest.raises(
        ConfigError, match=rf"{next(iter(option))}=.* does not apply to predictions"
    ):
        dressform.evaluate(predictions, **option)


def test_compare_takes_what_train_returns_and_what_lies_in_files(
    tiny_run: Run, predictions: Path
) -> None:
    test = tiny_run.predictions("test")
    worse = dressform.Predictions(
        test.ids, test.labels, np.roll(test.logits, 1, axis=1), test.class_names
    )
    (found,) = dressform.compare(tiny_run, worse)
    assert found.verdict == "worse"
    assert found.scores == (
        dressform.evaluate(test).accuracy.value,
        dressform.evaluate(worse).accuracy.value,
    )
    several = dressform.compare(tiny_run.path, predictions, worse)
    assert len(several) == 3
    assert several[0].identical
    assert [found.difference.value for found in several[1:]] == [several[1].difference.value] * 2
    with pytest.raises(ConfigError, match="only one model to compare; give two or more"):
        dressform.compare(tiny_run)


def test_cross_validations_are_compared_in_a_figure(
    small: DatasetSplits, study: CrossvalRun, tmp_path: Path
) -> None:
    (other,) = dressform.crossval(
        "lenet5-relu", small, folds=3, settings=["epochs=1"], workers=1, out=tmp_path
    )
    (found,) = dressform.compare(study, other.path, figure=tmp_path / "boxes.png")
    assert found.folds == 3
    assert found.b == "lenet5-relu epochs=1"
    assert (tmp_path / "boxes.png").read_bytes().startswith(b"\x89PNG")


def test_calibrate_fits_a_run_on_validation_and_evaluates_it_on_test(
    tiny_run: Run, study: CrossvalRun, predictions: Path
) -> None:
    of_run = dressform.calibrate(tiny_run)
    assert len(of_run.temperatures) == 1
    assert np.array_equal(of_run.unscaled.logits, tiny_run.predictions("test").logits)
    assert dressform.calibrate(tiny_run.path).temperatures == of_run.temperatures
    assert len(dressform.calibrate(study).temperatures) == 3  # one per fold
    assert len(dressform.calibrate(predictions).temperatures) == 5  # cross-fitted


def test_a_reliability_diagram_goes_to_the_figures_or_where_it_is_told(
    tiny_run: Run, predictions: Path, tmp_path: Path
) -> None:
    calibration = dressform.calibrate(predictions)
    assert dressform.draw_calibration(calibration, predictions) is None
    drawn = dressform.draw_calibration(calibration, predictions, tmp_path / "new" / "r.png")
    assert drawn == tmp_path / "new" / "r.png"
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_robustness_measures_the_corruptions_that_are_named(named_run: Run) -> None:
    found = dressform.robustness(named_run, corruptions=["brightness"], split="validation")
    assert (
        dressform.robustness(named_run.path, corruptions=["brightness"], split="validation")
        == found
    )
    with pytest.raises(ConfigError, match="seed is -1"):
        dressform.robustness(named_run, seed=-1)
