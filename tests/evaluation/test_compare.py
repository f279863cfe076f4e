import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from dressform.core.errors import ConfigError, DataError, UnknownNameError
from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.compare import PredictionSet, bootstrap_difference, compare
from dressform.evaluation.comparison import Comparison
from dressform.evaluation.metrics import METRICS, Scores
from dressform.evaluation.significance import corrected_resampled_t, correlated_t, paired_t
from dressform.predictions import Predictions
from tests.evaluation.made import drawn, guessed

FOLDS = np.arange(600) % 5


def _single(name: str, predictions: Predictions) -> PredictionSet:
    return PredictionSet(name, (predictions,))


def _crossval(
    name: str, *wrong: list[int], count: int = 600, order: NDArray[np.int64] | None = None
) -> PredictionSet:
    """Out-of-fold predictions with so many errors in each of five folds; a list per repeat."""
    repeats, comparison = [], []
    for errors in wrong:
        fold = np.arange(count) % 5
        right = np.ones(count, dtype=bool)
        for k, number in enumerate(errors):
            right[np.flatnonzero(fold == k)[:number]] = False
        labels = np.arange(count) // 5 % 2
        said = np.where(right, labels, 1 - labels)
        predictions = replace(
            guessed(count, count), labels=labels, logits=(3 * np.eye(2)[said]).astype(np.float32)
        )
        if order is not None:
            predictions, fold = predictions.take(order), fold[order]
        repeats.append(predictions)
        comparison.append(fold)
    return PredictionSet(name, tuple(repeats), tuple(comparison))


def _pair(a: PredictionSet, b: PredictionSet, **options: Any) -> Comparison:
    (comparison,) = compare([a, b], **options)
    return comparison


def _check_json(comparison: Comparison) -> None:
    document = comparison.to_json()
    numbers = (
        "difference",
        "low",
        "high",
        "p_value",
        "p_holm",
        "p_better",
        "p_equal",
        "p_worse",
        "score_a",
        "score_b",
        "rope",
    )
    assert {
        "a",
        "b",
        "verdict",
        "sentence",
        "test",
        "method",
        "tests",
        "more_repeats",
        "n",
        *numbers,
    } <= set(document)
    assert all(math.isfinite(document[name]) for name in numbers)
    assert document["verdict"] in ("better", "worse", "equal", "undecided")
    assert document["difference"] == pytest.approx(document["score_b"] - document["score_a"])
    assert document["p_better"] + document["p_equal"] + document["p_worse"] == pytest.approx(1)
    assert 0 <= document["p_value"] <= document["p_holm"] <= 1


@pytest.mark.parametrize(
    ("right_b", "verdict", "sentence"),
    [
        (
            950,
            "better",
            r"^B is better than A by 5\.00 points of accuracy, 95 % interval 3\.\d\d to 6\.\d\d; "
            r"p < 0\.0001; P\(",
        ),
        (
            850,
            "worse",
            r"^B is worse than A by 5\.00 points of accuracy, 95 % interval 3\.\d\d to 6\.\d\d; p "
            r"< 0\.0001",
        ),
        (
            901,
            "equal",
            r"^B and A are practically equal: B is ahead by 0\.10 points of accuracy, 95 % "
            r"interval -0\.\d\d to 0\.",
        ),
        (
            899,
            "equal",
            r"^B and A are practically equal: B is behind by 0\.10 points of accuracy, 95 % "
            r"interval -0\.\d\d to 0\.",
        ),
    ],
)
def test_sentences_of_accuracy(right_b: int, verdict: str, sentence: str) -> None:
    comparison = _pair(_single("A", guessed(1_000, 900)), _single("B", guessed(1_000, right_b)))
    assert comparison.verdict == verdict
    assert comparison.difference.value == pytest.approx((right_b - 900) / 1_000)
    assert re.search(sentence, comparison.sentence()), comparison.sentence()
    assert comparison.sentence().endswith(".")
    _check_json(comparison)


def test_what_cannot_be_told_apart() -> None:
    comparison = _pair(_single("A", guessed(60, 50)), _single("B", guessed(60, 51)), rope=0.001)
    assert comparison.verdict == "undecided"
    assert comparison.sentence().startswith(
        "B and A do not differ significantly: B is ahead by 1.67 points of accuracy"
    )
    _check_json(comparison)


def test_a_tie_of_different_models() -> None:
    one, other = guessed(60, 50), guessed(60, 50)
    # twelve examples that the other has right where the first has them wrong
    swap = np.r_[54:60, 6:54, 0:6]
    other = replace(
        other,
        logits=np.where((one.labels == one.labels[swap])[:, None], one.logits[swap], one.logits),
    )
    comparison = _pair(_single("A", one), _single("B", other))
    assert (comparison.difference.value, comparison.verdict) == (0, "undecided")
    assert comparison.sentence().startswith(
        "B and A do not differ significantly: they are tied in accuracy, 95 % interval -"
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(6))
def test_verdict_and_sentence_say_the_same(metric: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    sides = [_crossval(name, random.integers(2, 30, 5).tolist()) for name in "ABC"]
    singles = [_single(c.name, c.predictions[0]) for c in sides]
    for comparison in [*compare(sides, metric=metric), *compare(singles, metric=metric)]:
        if comparison.verdict in ("better", "worse"):
            assert (
                f"{comparison.b} is {comparison.verdict} than {comparison.a} by "
                in comparison.sentence()
            )
        if "do not differ significantly" in comparison.sentence():
            assert comparison.verdict == "undecided"
            assert (
                comparison.p_holm >= 0.05
                or comparison.difference.low <= 0 <= comparison.difference.high
            )


def test_a_region_of_equivalence_larger_than_the_score_is_refused() -> None:
    sides = _single("A", guessed(60, 50)), _single("B", guessed(60, 51))
    with pytest.raises(
        ConfigError,
        match=r"rope is 5; allowed for accuracy: 0 to 1, such as 0\.005 for half a point",
    ):
        compare(sides, rope=5)
    assert compare(sides, metric="nll", rope=5)[0].verdict == "equal"


@pytest.mark.parametrize("metric", ["nll", "brier", "ece"])
def test_less_is_better_for_losses(metric: str) -> None:
    good, bad = drawn(1_500, spread=3.0), drawn(1_500, spread=3.0, colder=4.0)
    worse = _pair(_single("A", good), _single("B", bad), metric=metric)
    better = _pair(_single("A", bad), _single("B", good), metric=metric)
    assert worse.difference.value > 0
    assert (worse.verdict, better.verdict) == ("worse", "better")
    assert worse.sentence().startswith("B is worse than A by ")
    assert better.sentence().startswith("B is better than A by ")
    assert (" points" in worse.sentence()) == (metric == "ece")
    _check_json(worse)
    _check_json(better)


@pytest.mark.parametrize("metric", METRICS)
def test_identical_predictions(metric: str) -> None:
    comparison = _pair(_single("A", drawn(300)), _single("B", drawn(300)), metric=metric)
    assert comparison.difference.value == 0
    assert comparison.p_value == 1
    assert comparison.verdict == "equal"
    assert comparison.sentence().startswith("B and A perform identically (")
    _check_json(comparison)


@pytest.mark.parametrize("metric", METRICS)
def test_swapping_the_two_mirrors_everything(metric: str) -> None:
    a, b = (
        drawn(400, seed=1),
        replace(
            drawn(400, seed=1),
            logits=drawn(400, seed=1, colder=0.5).logits + drawn(400, seed=3).logits,
        ),
    )
    one, other = (
        _pair(_single("A", a), _single("B", b), metric=metric),
        _pair(_single("B", b), _single("A", a), metric=metric),
    )
    # whose posteriors are draws that do not mirror exactly
    resampled = METRICS[metric].kind == "proportion" or metric == "ece"
    assert other.difference.value == pytest.approx(-one.difference.value, abs=1e-12)
    assert other.difference.low == pytest.approx(
        -one.difference.high, abs=0.003 if metric == "ece" else 1e-9
    )
    assert other.difference.high == pytest.approx(
        -one.difference.low, abs=0.003 if metric == "ece" else 1e-9
    )
    assert other.p_value == pytest.approx(one.p_value, abs=1e-12)
    assert other.posterior.better == pytest.approx(
        one.posterior.worse, abs=0.01 if resampled else 1e-9
    )
    assert other.posterior.equal == pytest.approx(
        one.posterior.equal, abs=0.01 if resampled else 1e-9
    )
    mirror = {"better": "worse", "worse": "better", "equal": "equal", "undecided": "undecided"}
    assert other.verdict == mirror[one.verdict]


def test_paired_tests_are_those_of_the_examples() -> None:
    a, b = (
        drawn(300, seed=1),
        replace(drawn(300, seed=1), logits=drawn(300, seed=1, colder=1.3).logits),
    )
    comparison = _pair(
        _single("A", a),
        _single("B", b.take(np.random.default_rng(0).permutation(300))),
        metric="nll",
    )
    assert comparison.p_value == pytest.approx(paired_t(Scores(b).nll - Scores(a).nll), abs=1e-12)
    accuracy = _pair(_single("A", guessed(100, 80)), _single("B", guessed(100, 90)))
    assert accuracy.tests["mcnemar_exact"] == pytest.approx(2 * 0.5**10)
    assert accuracy.p_value == accuracy.tests["mcnemar_mid_p"] == pytest.approx(0.5**10)


def test_resampled_differences_are_paired() -> None:
    a = Scores(drawn(400, seed=1))
    b = Scores(
        replace(
            drawn(400, seed=1),
            logits=drawn(400, seed=1, colder=1.0).logits + drawn(400, seed=9, spread=0.1).logits,
        )
    )
    comparison, drawn_differences = bootstrap_difference(a, b, METRICS["macro_f1"], resamples=300)
    alone = bootstrap_difference(a, Scores(drawn(400, seed=5)), METRICS["macro_f1"], resamples=300)[
        0
    ]
    assert comparison.high - comparison.low < (alone.high - alone.low) / 2
    assert len(drawn_differences) == 300


def test_draws_of_two_eces_are_independent() -> None:
    scores, metric = Scores(drawn(1_000, spread=6.0, colder=2.0)), METRICS["ece"]
    comparison, differences = bootstrap_difference(scores, scores, metric, resamples=200)
    alone = ece_distribution(scores, resamples=200).draw(20_000, 5)
    assert differences.std() == pytest.approx(math.sqrt(2) * alone.std(), rel=0.05)
    assert comparison.value == 0
    assert comparison.low < 0 < comparison.high


def test_cross_validations_are_compared_fold_by_fold() -> None:
    a = _crossval("A", [12, 15, 9, 14, 11], [10, 14, 12, 13, 12])
    b = _crossval(
        "B", [8, 12, 8, 10, 9], [8, 9, 10, 9, 10], order=np.random.default_rng(1).permutation(600)
    )
    comparison = _pair(a, b)
    differences = np.array([4, 3, 1, 4, 2, 2, 5, 2, 4, 2]) / 120
    assert comparison.difference.value == pytest.approx(differences.mean())
    assert comparison.p_value == pytest.approx(corrected_resampled_t(differences, 5))
    assert vars(comparison.posterior) == pytest.approx(vars(correlated_t(differences, 5, 0.005)))
    assert comparison.difference.n == 10
    assert comparison.gains
    _check_json(comparison)
    mirrored = _pair(b, a)
    assert mirrored.p_value == pytest.approx(comparison.p_value)
    assert (mirrored.difference.low, mirrored.difference.high) == pytest.approx(
        (-comparison.difference.high, -comparison.difference.low)
    )


def test_folds_are_joined_where_one_side_does_not_name_the_split() -> None:
    a, b = _crossval("A", [12, 15, 9, 14, 11]), _crossval("B", [8, 12, 8, 10, 9])
    plain = replace(
        a.predictions[0],
        ids=np.array([text.rpartition("/")[2] for text in a.predictions[0].ids.tolist()]),
    )
    for one, other in (
        (replace(a, predictions=(plain,)), b),
        (b, replace(a, predictions=(plain,))),
    ):
        assert abs(_pair(one, other).difference.value) == pytest.approx(14 / 600)


def test_more_repeats_are_advised_where_they_would_settle_it() -> None:
    settled = _pair(_crossval("A", [12, 12, 12, 12, 12]), _crossval("B", [4, 5, 4, 5, 5]))
    assert (settled.verdict, settled.more_repeats) == ("better", None)
    hopeless = _pair(_crossval("A", [12, 12, 12, 12, 12]), _crossval("B", [9, 15, 8, 16, 12]))
    assert hopeless.verdict == "undecided"
    assert hopeless.more_repeats is None
    assert hopeless.sentence().endswith(
        "; more repeats would not settle it, but more examples might."
    )
    close = _pair(
        _crossval("A", [12, 12, 12, 12, 12]), _crossval("B", [11, 8, 11, 9, 10]), rope=0.005
    )
    assert close.verdict == "undecided"
    assert close.more_repeats is not None
    expected = (
        f"about {close.more_repeats} more repeat{'s' if close.more_repeats > 1 else ''} would "
        f"settle it."
    )
    assert close.sentence().endswith(expected)


def test_holm_over_three_pairs() -> None:
    comparison = compare(
        [_single(name, guessed(400, right)) for name, right in (("A", 300), ("B", 307), ("C", 320))]
    )
    assert [(c.a, c.b) for c in comparison] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [c.p_holm for c in comparison] == pytest.approx(
        multipletests([c.p_value for c in comparison], method="holm")[1]
    )
    assert (
        comparison[0].p_holm > comparison[0].p_value or comparison[2].p_holm > comparison[2].p_value
    )
    assert any("Holm-adjusted" in c.sentence() for c in comparison)


def test_refusals() -> None:
    one, crossval = _single("A", guessed(600, 500)), _crossval("B", [1, 1, 1, 1, 1])
    with pytest.raises(
        ConfigError,
        match="1 to compare; give two or more runs, cross-validations or predictions files",
    ):
        compare([one])
    with pytest.raises(ConfigError, match=r"rope is -0.1; allowed for accuracy: 0 to 1"):
        compare([one, one], rope=-0.1)
    with pytest.raises(UnknownNameError, match="unknown metric 'recal'"):
        compare([one, one], metric="recal")
    for pair in ((one, crossval), (crossval, one)):
        with pytest.raises(
            DataError, match="B is a cross-validation and A is not; compare two of the same kind"
        ):
            compare(pair)
    twice = _crossval("C", [1, 1, 1, 1, 1], [1, 1, 1, 1, 1])
    with pytest.raises(
        DataError, match="B has 1 repeats and C 2; run the smaller one with repeats=2, resume=True"
    ):
        compare([crossval, twice])
    moved = replace(crossval, name="D", folds=(np.where(np.arange(600) < 7, 4 - FOLDS, FOLDS),))
    with pytest.raises(
        DataError,
        match="B and D have different folds: 6 of 600 examples of repeat 0 are in different",
    ):
        compare([crossval, moved])
    with pytest.raises(DataError, match="100 of 600 ids of A are not in E"):
        compare([one, _single("E", guessed(500, 400))])


def test_few_folds_leave_an_interval_within_what_is_possible() -> None:
    a, b = _crossval("A", [60, 10, 60, 10, 60]), _crossval("B", [10, 60, 10, 60, 10])
    comparison = _pair(a, b)
    assert -1 <= comparison.difference.low < comparison.difference.high <= 1
