import warnings
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from dressform.core.errors import UnknownNameError
from dressform.evaluation.metrics import (
    METRICS,
    Scores,
    accuracy,
    balanced_accuracy,
    brier,
    confusion_matrix,
    ece,
    find_metric,
    macro_f1,
    nll,
    top2,
    top3,
)
from dressform.predictions import Predictions
from tests.evaluation.made import drawn, made


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    """Up to 120 examples of up to eight classes, of which some never occur and some are never
    predicted.
    """
    classes, count = draw(st.integers(2, 8)), draw(st.integers(1, 120))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    present = random.choice(classes, size=draw(st.integers(1, classes)), replace=False)
    logits = random.normal(scale=draw(st.sampled_from([0.5, 3.0, 20.0])), size=(count, classes))
    return made(random.choice(present, size=count), logits)


def _repeated(found: Predictions, weights: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Scores:
    rows = np.repeat(np.arange(len(found)), weights)
    return Scores(made(found.labels[rows], found.logits[rows], class_names=found.class_names))


@given(predictions())
@settings(deadline=None)
def test_scores_equal_scikit_learns(found: Predictions) -> None:
    scores, classes = Scores(found), list(range(len(found.class_names)))
    truth, said, chance = found.labels, found.predicted, found.probabilities
    near = {"abs": 1e-9, "rel": 1e-9}
    assert accuracy(scores) == pytest.approx(sklearn.metrics.accuracy_score(truth, said), **near)
    with (
        warnings.catch_warnings()
    ):  # scikit-learn warns of predicted classes that do not occur; both leave them out
        warnings.filterwarnings(
            "ignore", message="y_pred contains classes not in y_true|A single label was found"
        )
        assert balanced_accuracy(scores) == pytest.approx(
            sklearn.metrics.balanced_accuracy_score(truth, said), **near
        )
    # Without labels=, scikit-learn too averages over the classes among labels and predictions.
    assert macro_f1(scores) == pytest.approx(
        sklearn.metrics.f1_score(truth, said, average="macro", zero_division=0), **near
    )
    # scikit-learn clips probabilities at 2e-16 and dressform works with logits, so they part above
    # 36 nats.
    if scores.nll.max() < 30:
        assert nll(scores) == pytest.approx(
            sklearn.metrics.log_loss(truth, chance, labels=classes), **near
        )
    expected = (
        sklearn.metrics.brier_score_loss(truth, chance, labels=classes, scale_by_half=False)
        if len(classes) > 2
        else None
    )
    if expected is not None:
        assert brier(scores) == pytest.approx(expected, **near)
    for metric, k in ((top2, 2), (top3, 3)):
        if k < len(classes):
            expected = sklearn.metrics.top_k_accuracy_score(
                truth, found.logits, k=k, labels=classes
            )
            assert metric(scores) == pytest.approx(expected, **near)
        else:
            assert metric(scores) == 1
    confusion = confusion_matrix(truth, said, len(classes))
    assert np.array_equal(confusion, sklearn.metrics.confusion_matrix(truth, said, labels=classes))


def test_brier_of_two_classes_sums_over_both() -> None:
    found = drawn(200, 2)
    positive = sklearn.metrics.brier_score_loss(found.labels, found.probabilities[:, 1])
    assert brier(Scores(found)) == pytest.approx(2 * positive, abs=1e-9)


@given(predictions(), st.integers(0, 2**32), st.sampled_from(sorted(METRICS)))
@settings(deadline=None)
def test_weights_count_examples_more_than_once(found: Predictions, seed: int, name: str) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, len(found))
    if weights.sum() == 0:
        weights[0] = 1
    value: Callable[..., float] = METRICS[name].value
    assert value(Scores(found), weights) == pytest.approx(
        value(_repeated(found, weights), None), abs=1e-9, rel=1e-9
    )
    assert value(Scores(found), np.ones(len(found))) == pytest.approx(
        value(Scores(found), None), abs=1e-9, rel=1e-9
    )


def _plain_ece(found: Predictions) -> float:
    total = 0.0
    for b in range(15):
        right = confidence = 0.0
        for row, label in zip(found.probabilities, found.labels, strict=True):
            if b / 15 < max(row) <= (b + 1) / 15:
                right += float(np.argmax(row) == label)
                confidence += max(row)
        total += abs(right - confidence)
    return total / len(found)


@given(predictions())
@settings(deadline=None, max_examples=50)
def test_ece_equals_a_plain_loop(found: Predictions) -> None:
    assert ece(Scores(found)) == pytest.approx(_plain_ece(found), abs=1e-9)


def test_the_first_of_equal_classes_is_predicted_and_ranked_first() -> None:
    scores = Scores(made([0, 1, 2, 3], np.zeros((4, 4))))
    assert scores.predicted.tolist() == [0, 0, 0, 0]
    assert scores.rank.tolist() == [0, 1, 2, 3]
    assert (accuracy(scores), top2(scores), top3(scores)) == (0.25, 0.5, 0.75)
    assert nll(scores) == pytest.approx(np.log(4))


def test_absent_classes_are_left_out_of_averages_and_predicted_ones_count_in_f1() -> None:
    labels, predicted = [0, 0, 1, 1], [0, 0, 1, 2]  # class 3 is in neither, class 2 only predicted
    scores = Scores(made(labels, 5 * np.eye(4)[predicted]))
    assert balanced_accuracy(scores) == pytest.approx((1 + 0.5) / 2)
    assert macro_f1(scores) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_nll_of_hopeless_logits_is_finite() -> None:
    assert nll(Scores(made([1], [[1e4, 0.0]]))) == pytest.approx(1e4)


def test_joined_scores_let_weights_choose() -> None:
    one, two = Scores(drawn(50, seed=1)), Scores(drawn(50, seed=2))
    both = Scores.joined(one, two)
    for metric in METRICS.values():
        for chosen, alone in (([1.0] * 50 + [0.0] * 50, one), ([0.0] * 50 + [1.0] * 50, two)):
            assert metric.value(both, np.array(chosen)) == pytest.approx(
                metric.value(alone, None), abs=1e-9
            )


def test_metrics_are_found_by_name() -> None:
    assert find_metric("macro-f1") is METRICS["macro_f1"]
    with pytest.raises(UnknownNameError, match="unknown metric 'acuracy'; did you mean"):
        find_metric("acuracy")
    assert {name for name, metric in METRICS.items() if not metric.greater_is_better} == {
        "nll",
        "brier",
        "ece",
    }
