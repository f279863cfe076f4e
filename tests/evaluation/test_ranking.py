"""Curves and areas are scikit-learn's; their intervals cover the truth."""

from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics

from dressform.core.errors import DataError
from dressform.evaluation.ranking import (
    ClassCurves,
    Curve,
    ranking_curves,
    roc_auc_interval,
    thinned_indices,
)
from dressform.predictions import Predictions


def made(n: int, classes: int, seed: int, strength: float = 1.5, decimals: int = 8) -> Predictions:
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, n)
    logits = random.normal(size=(n, classes)).astype(np.float32)
    logits[np.arange(n), labels] += strength
    names = tuple(f"class {i}" for i in range(classes))
    return Predictions(np.arange(n).astype(str), labels, logits.round(decimals), names)


@pytest.mark.parametrize("decimals", [8, 0])  # whole logits: many equal probabilities
def test_equal_to_scikit_learn(decimals: int) -> None:
    predictions = made(500, 4, seed=1, decimals=decimals)
    found = [one for one in ranking_curves(predictions) if one is not None]
    for number, one in enumerate(found):
        true, score = predictions.labels == number, predictions.probabilities[:, number]
        expected = sklearn.metrics.average_precision_score(true, score)
        assert one.average_precision.value == pytest.approx(expected, abs=1e-12)
        expected = sklearn.metrics.roc_auc_score(true, score)
        assert one.roc_auc.value == pytest.approx(expected, abs=1e-12)
        precision, recall, thresholds = sklearn.metrics.precision_recall_curve(true, score)
        np.testing.assert_allclose(one.precision_recall.y, precision[::-1], atol=1e-12)
        np.testing.assert_allclose(one.precision_recall.x, recall[::-1], atol=1e-12)
        np.testing.assert_allclose(one.precision_recall.thresholds[1:], thresholds[::-1])
        rates = sklearn.metrics.roc_curve(true, score, drop_intermediate=False)
        np.testing.assert_allclose(one.roc.x, rates[0], atol=1e-12)
        np.testing.assert_allclose(one.roc.y, rates[1], atol=1e-12)
    macro = sklearn.metrics.roc_auc_score(
        predictions.labels, predictions.probabilities, multi_class="ovr"
    )
    assert np.mean([one.roc_auc.value for one in found]) == pytest.approx(macro, abs=1e-12)


def test_perfect_and_useless_rankings() -> None:
    labels = np.array([0, 0, 1, 1])
    logits = np.array([[9, 0], [8, 0], [0, 8], [0, 9]], dtype=np.float32)
    ids, names = np.arange(4).astype(str), ("a", "b", "never")
    padded = np.column_stack([logits, np.full(4, -99, dtype=np.float32)])
    perfect = ranking_curves(Predictions(ids, labels, padded, names))
    assert perfect[2] is None
    assert isinstance(perfect[0], ClassCurves)
    for area in (perfect[0].average_precision, perfect[0].roc_auc):
        assert area.value == area.high == 1
        assert 0 < area.low < 0.7  # two examples of the class prove little
    equal = ranking_curves(Predictions(ids, labels, np.zeros((4, 3), np.float32), names))
    assert equal[0] is not None
    assert equal[0].roc_auc.value == equal[0].average_precision.value == 0.5


def test_intervals_cover_the_truth() -> None:
    """The areas of a large sample lie in the intervals of small ones."""
    large = ranking_curves(made(60_000, 3, seed=0))[0]
    assert large is not None
    hits = np.zeros(2)
    for seed in range(1, 201):
        small = ranking_curves(made(150, 3, seed))[0]
        assert small is not None
        pairs = (
            (small.average_precision, large.average_precision),
            (small.roc_auc, large.roc_auc),
        )
        hits += [found.low <= true.value <= found.high for found, true in pairs]
    assert (hits / 200 >= 0.9).all(), hits / 200


def test_auc_interval_at_the_ends() -> None:
    assert roc_auc_interval(0.0, 5, 5).low == 0
    assert roc_auc_interval(1.0, 5, 5).high == 1
    assert roc_auc_interval(1.0, 500, 500).low > roc_auc_interval(1.0, 5, 5).low > 0.5


def test_thinned_curves_keep_their_shape() -> None:
    x = np.linspace(0, 1, 5001)
    curve = Curve(x, np.sqrt(x), x[::-1])
    few = curve.thinned(60)
    assert len(few.x) <= 60
    assert (few.x[0], few.x[-1]) == (0, 1)
    assert np.abs(np.interp(x, few.x, few.y) - np.sqrt(x)).max() < 0.03
    np.testing.assert_array_equal(thinned_indices(np.zeros((9, 2)), 9), np.arange(9))


def test_hard_predictions_have_no_curves() -> None:
    with pytest.raises(DataError, match="needs probabilities, and these are hard predictions"):
        ranking_curves(replace(made(20, 3, seed=0), hard=True))


def test_groups_are_mentioned() -> None:
    grouped = replace(made(200, 3, seed=0), groups=np.repeat(np.arange(50), 4).astype(str))
    found = ranking_curves(grouped)[0]
    assert found is not None
    assert found.roc_auc.method.endswith("groups not considered")
