from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize

from dressform.core.errors import ConfigError, DataError
from dressform.evaluation.calibrate import calibrate
from dressform.evaluation.calibration import (
    cross_fit_temperature,
    fit_temperature,
    mean_confidence,
    random_parts,
    reliability,
    with_temperature,
)
from dressform.evaluation.conformal import conformal_sets
from dressform.evaluation.learned_temperature import learned_temperature
from dressform.evaluation.metrics import Scores, ece, nll
from dressform.predictions import Predictions, softmax
from tests.evaluation.made import drawn, made


def _slope(predictions: Predictions, inverse: float) -> float:
    """Derivative of the NLL by 1 / T: the mean logit minus the true one."""
    logits = predictions.logits.astype(np.float64)
    true = logits[np.arange(len(predictions)), predictions.labels]
    return float(((softmax(inverse * logits) * logits).sum(axis=1) - true).mean())


@pytest.mark.parametrize("planted", [0.4, 1.0, 2.5])
def test_a_planted_temperature_is_found(planted: float) -> None:
    predictions = drawn(40_000, colder=planted)
    # Its standard error is 1 / sqrt(n I) with I the variance of the logits under the softmax.
    logits = predictions.logits.astype(np.float64) / planted
    p = softmax(logits)
    information = float(((p * logits**2).sum(axis=1) - (p * logits).sum(axis=1) ** 2).mean())
    assert fit_temperature(predictions) / planted == pytest.approx(
        1, abs=4 / np.sqrt(len(predictions) * information)
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_temperature_is_where_the_slope_is_0(seed: int) -> None:
    predictions = drawn(500, classes=10, seed=seed, colder=1.7)
    temperature = fit_temperature(predictions)
    assert _slope(predictions, 1 / temperature) == pytest.approx(0, abs=1e-5)
    inverse = scipy.optimize.brentq(lambda b: _slope(predictions, b), 0.02, 50, xtol=1e-12)
    assert temperature == pytest.approx(1 / inverse, rel=1e-5)


def test_scaling_keeps_the_classes_and_lowers_the_nll() -> None:
    predictions = drawn(2_000, colder=3.0)
    scaled = with_temperature(predictions, fit_temperature(predictions))
    assert np.array_equal(scaled.predicted, predictions.predicted)
    assert nll(Scores(scaled)) < nll(Scores(predictions))
    assert ece(Scores(scaled)) < ece(Scores(predictions))


def test_a_part_is_not_seen_by_its_own_temperature() -> None:
    predictions, parts = drawn(600, colder=2.0), np.arange(600) % 3
    _, before = cross_fit_temperature(predictions, parts)
    other = replace(
        predictions, labels=np.where(parts == 1, (predictions.labels + 1) % 4, predictions.labels)
    )
    scaled, after = cross_fit_temperature(other, parts)
    assert after[1] == before[1]
    assert after[0] != before[0]
    assert after[2] != before[2]
    np.testing.assert_array_equal(
        scaled.logits[parts == 1], predictions.logits[parts == 1] / np.float32(before[1])
    )


def test_random_parts_are_stratified_and_seeded() -> None:
    predictions = drawn(503)
    parts = random_parts(predictions, 5, seed=1)
    for label in range(4):
        counts = np.bincount(parts[predictions.labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(parts)) <= 1
    assert np.array_equal(parts, random_parts(predictions, 5, seed=1))
    assert not np.array_equal(parts, random_parts(predictions, 5, seed=2))


def test_random_parts_keep_groups_together() -> None:
    groups = np.array([f"sender {i % 37}" for i in range(400)])
    predictions = replace(drawn(400), groups=groups)
    parts = random_parts(predictions)
    assert set(parts.tolist()) == {0, 1, 2, 3, 4}
    assert all(len(set(parts[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    assert np.bincount(parts).min() > 50
    three = replace(predictions, groups=np.array([str(i % 3) for i in range(400)]))
    assert set(random_parts(three).tolist()) == {0, 1, 2}
    one = replace(predictions, groups=np.array(["all"] * 400))
    assert set(random_parts(one).tolist()) == {0, 1, 2, 3, 4}


def test_the_temperature_that_a_model_keeps() -> None:
    assert learned_temperature(None) == 1
    assert learned_temperature(drawn(19, colder=3.0)) == 1
    many = drawn(3_000, colder=3.0)
    assert learned_temperature(many) == pytest.approx(fit_temperature(many), rel=5e-3)
    few = drawn(30)
    right = replace(few, labels=few.predicted)
    assert fit_temperature(right) < 0.02
    assert learned_temperature(right) > 0.2
    again = replace(many, temperature=7.0)
    assert learned_temperature(again) == learned_temperature(many)


def test_reliability_sums_to_the_ece() -> None:
    predictions = drawn(1_000, colder=2.0)
    diagram = reliability(predictions)
    assert diagram.count.sum() == 1_000
    gaps = np.nan_to_num(np.abs(diagram.accuracy - diagram.confidence))
    assert (diagram.count @ gaps) / 1_000 == pytest.approx(ece(Scores(predictions)), abs=1e-12)
    filled = diagram.count > 0
    assert (diagram.confidence[filled] <= diagram.edges[1:][filled]).all()
    assert (diagram.confidence[filled] > diagram.edges[:-1][filled]).all()
    assert np.isnan(diagram.accuracy[~filled]).all()


def test_calibrate_out_of_fold_and_on_other_examples() -> None:
    predictions = drawn(2_000, colder=2.0)
    for result, count in (
        (calibrate(predictions), 5),
        (calibrate(predictions, fitted_on=drawn(2_000, seed=1, colder=2.0)), 1),
    ):
        assert result.temperatures == pytest.approx([2.0] * count, rel=0.1)
        assert result.after["nll"].high < result.before["nll"].low
        assert result.after["accuracy"].value == result.before["accuracy"].value
        assert [r.method for r in result.sets] == ["lac", "aps", "raps"]
        assert all(r.coverage.low - 0.02 <= 0.9 <= r.coverage.high + 0.02 for r in result.sets)
        document = result.to_json()
        assert set(document) == {
            "protocol",
            "temperatures",
            "effect",
            "advice",
            "before",
            "after",
            "conformal",
        }
        assert document["conformal"][0]["coverage"]["n"] == 2_000


def test_calibrate_takes_thresholds_of_the_scaled_probabilities() -> None:
    predictions, parts = drawn(500, colder=3.0), np.arange(500) % 2
    result = calibrate(predictions, parts=parts, alpha=0.2)
    _, thresholds = conformal_sets(predictions, parts, "lac", 0.2, temperatures=result.temperatures)
    assert result.sets[0].threshold == pytest.approx(np.mean(thresholds))
    assert result.sets[0].alpha == 0.2


def test_calibrate_refuses() -> None:
    with pytest.raises(ConfigError, match=r"alpha is 1; allowed: between 0 and 1"):
        calibrate(drawn(100), alpha=1)
    with pytest.raises(DataError, match="19 examples are too few for calibration; give 20 or more"):
        calibrate(drawn(19))
    with pytest.raises(DataError, match="3 examples are too few"):
        calibrate(drawn(100), fitted_on=made([0, 1, 0], np.zeros((3, 4))))


def test_a_temperature_that_makes_things_worse_is_told() -> None:
    """Fitted on examples on which the model is too sure, judged on others on which it is right as
    often as it says.
    """
    honest, boastful = drawn(3000), drawn(3000, colder=3.0)
    worse = calibrate(honest, fitted_on=boastful)
    assert worse.effect == "worse"
    assert "makes these probabilities worse" in worse.advice
    assert "use them unscaled" in worse.advice
    better = calibrate(boastful, fitted_on=boastful)
    assert better.effect == "better"
    assert calibrate(honest, fitted_on=honest).effect == "unclear"


def test_confidence_and_accuracy_in_a_sentence() -> None:
    ids, labels = np.array([f"{i:04d}" for i in range(400)]), np.arange(400) % 2
    right = np.where(np.arange(400) < 300, labels, 1 - labels)
    for confidence, verdict in (
        (0.95, "overconfident by 20.00 points"),
        (0.55, "underconfident by 20.00 points"),
        (0.76, "no clear gap"),
    ):
        logits = np.full((400, 2), 0.0, np.float32)
        logits[np.arange(400), right] = np.log(confidence / (1 - confidence))
        mean, accuracy, sentence = mean_confidence(Predictions(ids, labels, logits, ("a", "b")))
        assert mean == pytest.approx(confidence, abs=1e-6)
        assert accuracy == 0.75
        assert sentence == f"mean confidence {100 * confidence:.2f} %, accuracy 75.00 %: {verdict}"
