"""Intervals and tests of examples in groups."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.evaluation import clusters
from dressform.evaluation.align import align
from dressform.evaluation.calibration import mean_confidence
from dressform.evaluation.compare import PredictionSet, compare
from dressform.evaluation.conformal import evaluate_sets
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.intervals import resample, wilson
from dressform.evaluation.metrics import METRICS, Scores
from dressform.evaluation.significance import permutation_test
from dressform.predictions import Predictions
from tests.evaluation.made import assert_uniform, drawn, guessed


def in_groups(predictions: Predictions, groups: NDArray[np.int64]) -> Predictions:
    return dataclasses.replace(predictions, groups=np.array([f"g{g}" for g in groups]))


def copied(predictions: Predictions, times: int) -> Predictions:
    """Each example so many times."""
    rows = np.repeat(np.arange(len(predictions)), times)
    return Predictions(
        np.array([str(i) for i in range(len(rows))]),
        predictions.labels[rows],
        predictions.logits[rows],
        predictions.class_names,
    )


def correlated(
    seed: int, n_groups: int, truth: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Successes whose probability differs from group to group (beta distribution), in groups of
    very different sizes that do not depend on it.
    """
    random = np.random.default_rng(seed)
    sizes = (random.pareto(1.5, n_groups) * 4 + 1).astype(int).clip(1, 80)
    group = np.repeat(np.arange(n_groups), sizes)
    chances = random.beta(truth * 4, (1 - truth) * 4, n_groups)
    return random.random(len(group)) < chances[group], group


def test_the_standard_error_is_that_of_a_regression_with_equal_clusters() -> None:
    values = np.random.default_rng(0).random(400)
    group = np.arange(400) % 40
    expected = sm.OLS(values, np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": group})
    error = clusters.standard_error(values, group)
    assert (error.value, error.groups) == (pytest.approx(float(expected.bse[0])), 40)
    assert error.dof == pytest.approx(39)


@pytest.mark.parametrize(("n_groups", "truth"), [(8, 0.8), (20, 0.8), (40, 0.9), (150, 0.7)])
def test_proportions_of_groups_are_covered_and_wilsons_are_not(n_groups: int, truth: float) -> None:
    covered, naive, draws = 0, 0, 600
    for seed in range(draws):
        values, group = correlated(seed, n_groups, truth)
        interval, plain = clusters.proportion(values, group), wilson(int(values.sum()), len(values))
        covered += interval.low <= truth <= interval.high
        naive += plain.low <= truth <= plain.high
    assert covered / draws >= 0.91
    assert naive / draws < 0.75


def test_groups_of_one_example_are_examples() -> None:
    values = np.arange(400) % 9 > 0
    single, plain = clusters.proportion(values, np.arange(400)), wilson(int(values.sum()), 400)
    assert (single.low, single.high) == pytest.approx((plain.low, plain.high), abs=2e-3)


def test_all_right_or_a_single_group_is_not_certainty() -> None:
    group = np.repeat(np.arange(10), 30)
    perfect = clusters.proportion(np.ones(300, bool), group)
    assert (perfect.value, perfect.high) == (1, 1)
    assert 0.5 < perfect.low < 0.8, "ten observations, not three hundred"
    alone = clusters.proportion(np.arange(300) % 2 > 0, np.zeros(300, np.int64))
    assert (alone.low, alone.high) == (0, 1)
    assert math.isinf(clusters.mean(np.arange(3.0), np.zeros(3, np.int64)).high)


def test_a_group_is_drawn_with_all_its_examples() -> None:
    group = np.array([0, 0, 1, 2, 2, 2])
    for weights in resample(6, resamples=50, clusters=group):
        assert len({*weights[:2].tolist()}) == len({*weights[3:].tolist()}) == 1
        assert weights[[0, 2, 3]].sum() == 3


def test_an_evaluation_resamples_groups_and_says_so() -> None:
    plain = drawn(300, seed=1)
    repeated = copied(plain, 5)
    known = evaluate(in_groups(repeated, np.repeat(np.arange(300), 5)), resamples=400)
    truth, wrong = evaluate(plain, resamples=400), evaluate(repeated, resamples=400)
    for name in METRICS:
        if name == "ece":
            assert known.estimates[name].method.endswith("groups not considered")
            continue
        widths = [
            one.estimates[name].high - one.estimates[name].low for one in (known, truth, wrong)
        ]
        assert widths[0] == pytest.approx(widths[1], rel=0.1), name
        assert widths[2] < 0.6 * widths[1], name
        assert "300 groups" in known.estimates[name].method
        assert known.estimates[name].value == pytest.approx(truth.estimates[name].value)
        assert known.estimates[name].n == 1500
    for one, other in zip(known.per_class, truth.per_class, strict=True):
        for metric in ("precision", "recall", "f1"):
            mine, theirs = getattr(one, metric), getattr(other, metric)
            assert mine.value == pytest.approx(theirs.value)
            assert mine.high - mine.low == pytest.approx(theirs.high - theirs.low, rel=0.15)
    assert "groups" in known.report()


@pytest.mark.parametrize("metric", ["accuracy", "nll", "macro_f1", "ece"])
def test_a_comparison_exchanges_whole_groups(metric: str) -> None:
    one, two = guessed(120, 90), guessed(120, 102)
    groups = np.repeat(np.arange(120), 6)
    first, second = copied(one, 6), copied(two, 6)
    grouped = PredictionSet("a", (in_groups(first, groups),)), PredictionSet("b", (second,))
    (known,) = compare(grouped, metric=metric)
    (naive,) = compare([PredictionSet("a", (first,)), PredictionSet("b", (second,))], metric=metric)
    (truth,) = compare([PredictionSet("a", (one,)), PredictionSet("b", (two,))], metric=metric)
    assert known.test == "permutation test of 120 groups"
    assert known.tests == {}
    assert known.difference.value == pytest.approx(naive.difference.value)
    assert naive.p_value <= known.p_value
    if metric == "ece":
        assert known.difference.method.endswith("groups not considered")
        return
    width = known.difference.high - known.difference.low
    assert width == pytest.approx(truth.difference.high - truth.difference.low, rel=0.2)
    assert "groups" in known.difference.method
    assert known.to_json()["test"] == known.test


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_a_permutation_exchanges_predictions_and_computes_the_metric_again(metric: str) -> None:
    one, two = drawn(60, seed=1), drawn(60, seed=2)
    groups = np.sort(np.random.default_rng(0).integers(0, 10, 60))  # g0 to g9, in this order
    two = dataclasses.replace(two, labels=one.labels)

    def difference(swapped: NDArray[np.bool_]) -> float:
        rows = swapped[groups][:, None]
        first = np.where(rows, two.logits, one.logits)
        second = np.where(rows, one.logits, two.logits)
        values = [
            METRICS[metric].value(Scores(dataclasses.replace(one, logits=logits)), None)
            for logits in (first, second)
        ]
        return values[1] - values[0]

    (found,) = compare(
        [PredictionSet("a", (in_groups(one, groups),)), PredictionSet("b", (two,))], metric=metric
    )
    assert found.p_value == permutation_test(difference, int(groups.max()) + 1)


def test_equal_models_differ_significantly_as_rarely_as_they_should() -> None:
    p_values = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        group = np.repeat(np.arange(30), random.integers(1, 12, 30))
        right = [
            random.random(len(group)) < random.beta(3, 1, 30)[group] for _ in range(2)
        ]  # each model fails whole groups, independently
        sets = []
        for name, hits in zip("ab", right, strict=True):
            labels = np.arange(len(group)) % 2
            logits = 3 * np.eye(2)[np.where(hits, labels, 1 - labels)]
            ids = np.array([str(i) for i in range(len(group))])
            predictions = Predictions(ids, labels, logits.astype(np.float32), ("x", "y"))
            sets.append(PredictionSet(name, (in_groups(predictions, group),)))
        p_values.append(compare(sets)[0].p_value)
    assert_uniform(np.array(p_values))


def test_both_sides_get_the_groups_of_one_and_other_groups_are_refused() -> None:
    plain = drawn(20)
    one = in_groups(plain, np.arange(20) // 2)
    first, second = align(plain, one, ("a", "b"))
    assert first.groups is not None
    assert second.groups is not None
    renamed = in_groups(plain, 9 - np.arange(20) // 2)
    assert align(one, renamed, ("a", "b"))[0].groups is not None, "names of groups do not matter"
    other = in_groups(plain, np.arange(20) // 4)
    with pytest.raises(
        DataError,
        match=r"a and b have .* different groups \(10 and 5\); group "
        r"both",
    ):
        align(one, other, ("a", "b"))


def test_files_keep_groups(tmp_path: Path) -> None:
    plain = drawn(20)
    grouped = in_groups(plain, np.arange(20) // 2)
    grouped.save(tmp_path / "p.npz")
    plain.save(tmp_path / "q.npz")
    back = Predictions.load(tmp_path / "p.npz")
    assert back.groups is not None
    assert back.groups.tolist() == [f"g{i // 2}" for i in range(20)]
    assert back.take(np.array([3])).groups == ["g1"]
    assert Predictions.load(tmp_path / "q.npz").groups is None
    np.savez(tmp_path / "r.npz", labels=plain.labels, logits=plain.logits, groups=np.arange(3))
    with pytest.raises(DataError, match=r"r.npz: predictions have groups \[3\] for 20 examples"):
        Predictions.load(tmp_path / "r.npz")


def test_sentences_about_calibration_know_groups() -> None:
    """Of a calibrated model, whose examples are 25 near copies in each of 40 groups, they claim no
    more than chance would.
    """
    claims, coverage, covered = 0, 0, 0
    for seed in range(40):
        once = drawn(40, seed=seed)
        predictions = in_groups(copied(once, 25), np.repeat(np.arange(40), 25))
        claims += not mean_confidence(predictions)[2].endswith("no clear gap")
        sets = np.ones(predictions.logits.shape, bool)
        labels = predictions.labels
        wrong = np.repeat(np.random.default_rng(seed).random(40) < 0.1, 25)
        sets[np.arange(1000)[wrong], labels[wrong]] = False
        result = evaluate_sets(sets, predictions, "lac", alpha=0.1, threshold=0.5)
        covered += result.coverage.low <= 0.9 <= result.coverage.high
        coverage += bool(result.classes_below)
    assert claims <= 6
    assert coverage <= 4
    assert covered >= 34


def test_three_models_are_tested_in_the_same_way_where_one_has_groups() -> None:
    first, second, third = (drawn(60, seed=seed) for seed in (0, 1, 2))
    groups = np.arange(60) // 6
    second, third = (dataclasses.replace(one, labels=first.labels) for one in (second, third))
    compared = compare(
        [
            PredictionSet("a", (in_groups(first, groups),)),
            PredictionSet("b", (second,)),
            PredictionSet("c", (third,)),
        ]
    )
    assert {one.test for one in compared} == {"permutation test of 10 groups"}


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_one_group_says_nothing(metric: str) -> None:
    first, second = drawn(60, seed=0), drawn(60, seed=1)
    second = dataclasses.replace(second, labels=first.labels)
    groups = np.zeros(60, np.int64)
    (compared,) = compare(
        [
            PredictionSet("a", (in_groups(first, groups),)),
            PredictionSet("b", (in_groups(second, groups),)),
        ],
        metric=metric,
    )
    assert compared.verdict == "undecided"
    assert (compared.difference.low, compared.difference.high) == (-1, 1)
    assert "P(practically equal, within 0.50 points) unknown" in compared.sentence()
    assert compared.test == "permutation test of 1 group"
