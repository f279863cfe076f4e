import math
from itertools import product

import baycomp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from dressform.evaluation.intervals import across_folds
from dressform.evaluation.significance import (
    corrected_resampled_t,
    correlated_t,
    draws_posterior,
    holm,
    mcnemar,
    paired_proportions,
    paired_t,
    permutation_test,
    proportion_posterior,
    t_posterior,
)
from tests.evaluation.made import assert_uniform, chance


def _answers(
    both: int, only_first: int, only_second: int, neither: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    second = np.repeat([True, False, True, False], [both, only_first, only_second, neither])
    order = np.random.default_rng(0).permutation(len(first))
    return first[order], second[order]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_mcnemar_equals_statsmodels_and_an_enumeration(
    b: int, c: int, both: int, neither: int
) -> None:
    result = mcnemar(*_answers(both, b, c, neither))
    assert (result.only_first, result.only_second) == (b, c)
    if b + c == 0:
        assert (result.exact, result.mid_p) == (1, 1)
        return
    expected = statsmodels_mcnemar([[both, b], [c, neither]], exact=True).pvalue
    assert result.exact == pytest.approx(expected, abs=1e-9)
    # Every outcome with the same number of disagreements: rarer ones count whole, equally rare ones
    # half.
    ways = [math.comb(b + c, k) for k in range(b + c + 1)]
    mid = sum(w for w in ways if w < ways[b]) + sum(w for w in ways if w == ways[b]) / 2
    assert result.mid_p == pytest.approx(mid / 2 ** (b + c), abs=1e-9)


def test_mcnemar_of_thousands_of_disagreements() -> None:
    result = mcnemar(*_answers(0, 3_000, 3_200, 0))
    assert result.exact == pytest.approx(scipy.stats.binomtest(3_000, 6_200).pvalue, rel=1e-9)
    assert result.mid_p == pytest.approx(
        result.exact - scipy.stats.binom.pmf(3_000, 6_200, 0.5), rel=1e-6
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(deadline=None, max_examples=15)  # statsmodels collects garbage in each call
def test_holm_equals_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(
        multipletests(p_values, method="holm")[1].tolist(), abs=1e-12
    )


@given(st.integers(0, 2**32), st.integers(2, 60))
@settings(deadline=None)
def test_paired_t_equals_scipys(seed: int, count: int) -> None:
    one, two = np.random.default_rng(seed).normal(size=(2, count))
    assert paired_t(two - one) == pytest.approx(scipy.stats.ttest_rel(two, one).pvalue, abs=1e-9)


def test_equal_differences_of_small_folds_may_still_vary() -> None:
    """Two models that are equally good: a difference is claimed no more often than it should be."""
    random, claimed = np.random.default_rng(0), 0
    for _ in range(2_000):
        right = random.random((2, 2, 20)) < 0.9
        differences = np.diff(right.mean(axis=2), axis=0)[0]
        claimed += corrected_resampled_t(differences, 2, step=1 / 20) < 0.05
    assert claimed / 2_000 < 0.05
    # Sheppard's variance of a count, 1 / 12; two folds, so the variance of the mean is 3 / 2 of it
    p = corrected_resampled_t([0.05, 0.05], 2, step=0.05)
    assert p == pytest.approx(2 * scipy.stats.t.sf(1 / np.sqrt(3 / 2 / 12), 1))
    assert corrected_resampled_t([0.05, 0.05], 2) == 0
    interval = across_folds([0.05, 0.05], 2, step=0.05)
    assert interval.low < 0 < interval.value == 0.05 < interval.high
    assert correlated_t([0.05, 0.05], 2, 0.005, step=0.05).better < 0.95


def test_t_tests_of_differences_that_do_not_vary() -> None:
    assert paired_t(np.zeros(5)) == corrected_resampled_t(np.zeros(5), 5) == 1
    assert paired_t(np.ones(5)) == corrected_resampled_t(np.ones(5), 5) == 0
    assert paired_t([0.3]) == 1


@given(
    st.integers(0, 2**32),
    st.sampled_from([2, 5, 10]),
    st.sampled_from([1, 2, 10]),
    st.sampled_from([0.0, 0.001, 0.01]),
)
@settings(deadline=None)
def test_correlated_t_equals_baycomps(seed: int, folds: int, repeats: int, rope: float) -> None:
    one, two = np.random.default_rng(seed).normal(
        [[0.90], [0.905]], 0.01, size=(2, folds * repeats)
    )
    result = correlated_t(two - one, folds, rope)
    expected = baycomp.two_on_single(one, two, rope=rope, runs=repeats)
    middle = expected[1] if rope else 0.0
    assert (result.worse, result.equal, result.better) == pytest.approx(
        (expected[0], middle, expected[-1]), abs=1e-9
    )
    # Without a region of equivalence the p-value is twice the smaller tail.
    tails = correlated_t(two - one, folds, 0)
    assert corrected_resampled_t(two - one, folds) == pytest.approx(
        2 * min(tails.better, tails.worse), abs=1e-9
    )


@pytest.mark.parametrize(("folds", "repeats"), [(5, 1), (10, 3)])
def test_corrected_resampled_t_is_nadeau_and_bengios_formula(folds: int, repeats: int) -> None:
    x, n = np.random.default_rng(3).normal(0.004, 0.01, folds * repeats), folds * repeats
    tested_to_trained = (1 / folds) / (1 - 1 / folds)  # n2 / n1
    t = x.mean() / math.sqrt((1 / n + tested_to_trained) * x.var(ddof=1))
    assert corrected_resampled_t(x, folds) == pytest.approx(
        2 * scipy.stats.t.sf(abs(t), n - 1), abs=1e-12
    )


def test_posteriors_of_nothing_and_of_certainty() -> None:
    assert math.isnan(correlated_t([0.1], 5, 0.0).better)
    assert vars(correlated_t(np.full(5, 0.25), 5, 0.01)) == {"better": 1, "equal": 0, "worse": 0}
    assert vars(correlated_t(np.zeros(5), 5, 0.01)) == {"better": 0, "equal": 1, "worse": 0}
    assert vars(draws_posterior(np.array([0.3, -0.3, 0.0, 0.1]), 0.1)) == {
        "better": 0.25,
        "equal": 0.5,
        "worse": 0.25,
    }
    result = t_posterior(0.0, 1.0, 9, 2.262157)
    assert result.equal == pytest.approx(0.95, abs=1e-6)


def test_paired_proportions_by_hand() -> None:
    # n = 50, only the second right 10 times, only the first 2 times; Laplace: 11 / 52 and 3 / 52.
    result = paired_proportions(*_answers(30, 2, 10, 8))
    middle = 8 / 52  # 0.153846
    half = 1.959963985 * math.sqrt((14 / 52 - middle**2) / 52)  # 1.96 * 0.068719 = 0.134688
    assert result.value == 8 / 50
    assert (result.low, result.high) == pytest.approx((middle - half, middle + half), abs=1e-9)
    assert (result.low, result.high) == pytest.approx((0.019158, 0.288534), abs=2e-6)
    assert result.n == 50
    swapped = paired_proportions(*_answers(30, 10, 2, 8))
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx(
        (-result.value, -result.high, -result.low)
    )


def test_paired_proportions_cover_at_the_nominal_rate() -> None:
    probabilities, n, draws = (0.85, 0.03, 0.05, 0.07), 500, 2_000
    counts = np.random.default_rng(1).multinomial(n, probabilities, draws).tolist()
    covered = np.mean(
        [e.low <= 0.02 <= e.high for e in (paired_proportions(*_answers(*row)) for row in counts)]
    )
    low, high = chance(0.95, draws)
    assert low <= covered <= high


def test_the_posterior_is_a_beta_if_the_models_differ_in_one_direction_only() -> None:
    # With Jeffreys' prior the share of "only the second" is Beta(b + 1/2, n - b + 1), "only the
    # first" stays near 0.
    result = proportion_posterior(*_answers(50, 0, 40, 10), rope=0.4)
    assert result.better == pytest.approx(scipy.stats.beta.sf(0.405, 40.5, 61), abs=0.02)
    same = proportion_posterior(*_answers(900, 0, 0, 100), rope=0.005)
    assert same.equal > 0.99
    assert sum(vars(result).values()) == pytest.approx(1)


def test_the_permutation_test_approaches_the_enumeration_of_all_permutations() -> None:
    differences, draws = np.array([0.9, 0.4, -0.2, 0.7, 0.1, 0.3, -0.1, 0.5]), 20_000
    total = abs(differences.sum())
    exact = np.mean(
        [abs(np.dot(signs, differences)) >= total - 1e-12 for signs in product((1, -1), repeat=8)]
    )
    result = permutation_test(
        lambda swapped: float(np.where(swapped, -differences, differences).sum()), 8, draws=draws
    )
    assert result == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / draws))


def test_the_permutation_test_is_never_0_and_is_1_without_a_difference() -> None:
    values = np.ones(60)
    assert (
        permutation_test(
            lambda swapped: float(np.where(swapped, -values, values).sum()), 60, draws=99
        )
        == 0.01
    )
    assert permutation_test(lambda _: 0.0, 60, draws=99) == 1


def test_mid_p_is_uniform_without_a_difference() -> None:
    random = np.random.default_rng(11)
    answers = random.random((5_000, 2, 800)) < np.where(
        random.random((5_000, 1, 800)) < 0.8, 0.97, 0.4
    )
    result = [mcnemar(first, second) for first, second in answers]
    assert_uniform(np.array([f.mid_p for f in result]))
    for level in (0.01, 0.05, 0.10):
        assert np.mean([f.exact <= level for f in result]) <= chance(level, len(result))[1]


def test_paired_t_on_nlls_is_uniform_without_a_difference() -> None:
    random = np.random.default_rng(12)
    nlls = random.exponential(0.2, (5_000, 1, 300)) * random.lognormal(0, 0.5, (5_000, 2, 300))
    p_values = np.array([paired_t(two - one) for one, two in nlls])
    assert_uniform(p_values)
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.001


def test_the_permutation_test_is_uniform_without_a_difference() -> None:
    random = np.random.default_rng(13)
    p_values = []
    for seed in range(2_000):
        one, two = random.exponential(size=(2, 20))

        def difference(
            swapped: NDArray[np.bool_],
            one: NDArray[np.float64] = one,
            two: NDArray[np.float64] = two,
        ) -> float:
            return float(np.where(swapped, two, one).sum() - np.where(swapped, one, two).sum())

        p_values.append(permutation_test(difference, 20, seed=seed, draws=99))
    assert_uniform(np.array(p_values))


def test_corrected_resampled_t_is_uniform_where_folds_are_correlated_as_assumed() -> None:
    # The correlation of a real cross-validation is not known; 1 / K is what the method takes it to
    # be.
    random, folds, draws = np.random.default_rng(14), 5, 5_000
    for repeats in (1, 3):
        rho, n = 1 / folds, folds * repeats
        rows = math.sqrt(rho) * random.normal(size=(draws, 1)) + math.sqrt(1 - rho) * random.normal(
            size=(draws, n)
        )
        p_values = np.array([corrected_resampled_t(row, folds) for row in rows])
        assert_uniform(p_values)
        assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.001
        plain = np.array([paired_t(row) for row in rows])
        assert (plain <= 0.05).mean() > 0.08, "which the plain t-test is not"
