import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from dressform.evaluation.intervals import (
    Estimate,
    across_folds,
    percentile,
    resample,
    student,
    t_quantile,
    wilson,
    wilson_f1,
)
from tests.evaluation.made import chance


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipys_and_statsmodels(n: int, fraction: float, confidence: float) -> None:
    successes = round(n * fraction)
    interval = wilson(successes, n, confidence)
    expected = scipy.stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (interval.low, interval.high) == pytest.approx(
        proportion_confint(successes, n, 1 - confidence, "wilson"), abs=1e-9
    )
    assert interval.low <= interval.value <= interval.high


def test_wilson_covers_as_often_as_it_says() -> None:
    truth, n = 0.93, 1_000
    ends = {k: wilson(k, n) for k in range(n + 1)}
    covered = sum(
        scipy.stats.binom.pmf(k, n, truth) for k, e in ends.items() if e.low <= truth <= e.high
    )
    assert covered == pytest.approx(0.95, abs=0.01)


def test_wilson_refuses_nonsense() -> None:
    for arguments in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="need 0 <= successes"):
            wilson(*arguments)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_wilson_f1_is_the_f1_and_contains_it(hits: int, missed: int, alarms: int) -> None:
    if hits + missed + alarms == 0:
        with pytest.raises(ValueError, match="n >= 1"):
            wilson_f1(0, 0)
        return
    interval = wilson_f1(hits, missed + alarms)
    assert interval.value == pytest.approx(2 * hits / (2 * hits + missed + alarms))
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.high - interval.low > 0


def test_wilson_f1_covers_as_often_as_it_says() -> None:
    # A class of 5 % with precision 0.8 and recall 0.9 among 1,000 examples: hits, misses, false
    # alarms, the rest.
    probabilities = np.array([0.045, 0.005, 0.01125, 0.93875])
    truth, draws = 2 * 0.8 * 0.9 / 1.7, 4_000
    counts = np.random.default_rng(0).multinomial(1_000, probabilities, draws)
    interval = [wilson_f1(int(hits), int(missed + alarms)) for hits, missed, alarms, _ in counts]
    low, high = chance(0.95, draws)
    # a lattice of few hits
    assert low - 0.005 <= np.mean([e.low <= truth <= e.high for e in interval]) <= high + 0.005


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=50).filter(lambda v: np.std(v) > 1e-6))
def test_student_equals_scipys(values: list[float]) -> None:
    interval = student(values, 0.9)
    expected = scipy.stats.t.interval(
        0.9, len(values) - 1, np.mean(values), scipy.stats.sem(values)
    )
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-9, rel=1e-9)
    assert interval.n == len(values)


def test_one_number_has_no_ends_and_its_json_has_none() -> None:
    interval = student([3.0])
    assert (interval.value, interval.low, interval.high) == (3.0, -math.inf, math.inf)
    assert (interval.to_json()["low"], interval.to_json()["high"]) == (None, None)
    assert Estimate(1.0, 0.0, 2.0, "m", 3).to_json() == {
        "value": 1.0,
        "low": 0.0,
        "high": 2.0,
        "method": "m",
        "n": 3,
    }


@pytest.mark.parametrize(("folds", "repeats"), [(2, 1), (5, 1), (10, 1), (5, 10)])
def test_across_folds_widens_student_by_the_factor_of_nadeau_and_bengio(
    folds: int, repeats: int
) -> None:
    values = np.random.default_rng(1).normal(0.9, 0.01, folds * repeats)
    plain, interval, n = student(values), across_folds(values, folds), folds * repeats
    # With test sets of 1 / (K - 1) of the training set, the variance s^2 / n becomes s^2 (1 / n + 1
    # / (K - 1)).
    ratio = math.sqrt((1 / n + 1 / (folds - 1)) / (1 / n))
    assert (interval.high - interval.low) / (plain.high - plain.low) == pytest.approx(
        ratio, rel=1e-9
    )
    assert interval.value == pytest.approx(values.mean(), abs=1e-12)


def test_across_folds_covers_where_folds_are_correlated_as_assumed_and_the_plain_t_does_not() -> (
    None
):
    random, folds, draws = np.random.default_rng(2), 5, 4_000
    rho = 1 / folds
    scores = math.sqrt(rho) * random.normal(size=(draws, 1)) + math.sqrt(1 - rho) * random.normal(
        size=(draws, folds)
    )
    low, high = chance(0.95, draws)
    corrected = np.mean(
        [e.low <= 0 <= e.high for e in (across_folds(row, folds) for row in scores)]
    )
    plain = np.mean([e.low <= 0 <= e.high for e in (student(row) for row in scores)])
    assert low <= corrected <= high
    assert plain < low


def test_t_quantile() -> None:
    assert t_quantile(0.975, 4) == pytest.approx(scipy.stats.t.ppf(0.975, 4), rel=1e-12)


def test_resamples_are_of_size_n_and_the_same_for_the_same_seed() -> None:
    first, again, other = (list(resample(20, seed, 50)) for seed in (0, 0, 1))
    assert {int(weights.sum()) for weights in first} == {20}
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    # Each example is drawn once a resample on average, with the variance of a binomial.
    many = np.array(list(resample(20, 3, 4_000)))
    assert many.mean(axis=0) == pytest.approx(np.ones(20), abs=4 * math.sqrt(0.95 / 4_000))
    assert many.var() == pytest.approx(0.95, abs=0.02)


def test_percentile_takes_the_ordered_resamples() -> None:
    # 199 of them: the 5th and the 195th
    resampled = np.random.default_rng(0).permutation(np.arange(1, 200)) / 1_000
    interval = percentile(0.1, resampled, 30)
    assert (interval.low, interval.value, interval.high, interval.n) == pytest.approx(
        (0.005, 0.1, 0.195, 30)
    )


def test_percentile_covers_a_mean() -> None:
    # The bootstrap of a normal mean has the normal quantile and the plain variance: at n = 100 its
    # coverage is 94.4 %.
    random, n, draws = np.random.default_rng(5), 100, 1_000
    covered = 0
    for seed in range(draws):
        values = random.normal(size=n)
        interval = percentile(
            values.mean(), np.array([w @ values / n for w in resample(n, seed, 199)]), n
        )
        covered += interval.low <= 0 <= interval.high
    low, high = chance(0.944, draws)
    assert low <= covered / draws <= high
