"""Significance tests and posteriors for the difference between two models."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray

from dressform.core.rng import generator
from dressform.evaluation.intervals import Estimate, across_folds, fold_variance, t_quantile


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two models on the same examples.

    Attributes:
        only_first: examples that only the first model predicts correctly.
        only_second: examples that only the second does.
        exact: two-sided p-value of the exact binomial test, which is conservative.
        mid_p: mid-p-value: the observed outcome counts half; nearly uniform under the null
            hypothesis.
    """

    only_first: int
    only_second: int
    exact: float
    mid_p: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's test (1947), exact and with mid-p (Fagerland, Lydersen & Laake 2013, BMC Med. Res.
    Methodol. 13:91).

    Args:
        first: bool [N], whether the first model is correct.
        second: bool [N], whether the second is, on the same examples.
    """
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    if b + c == 0:
        return McNemar(b, c, 1.0, 1.0)
    tail = float(scipy.special.bdtr(min(b, c), b + c, 0.5))
    # log of C(n, k) / 2^n, which itself overflows for thousands of discordant pairs.
    log_point = (
        math.lgamma(b + c + 1) - math.lgamma(b + 1) - math.lgamma(c + 1) - (b + c) * math.log(2)
    )
    point = math.exp(log_point)
    exact = min(1.0, 2 * tail)
    # Half the probability of the observed outcome: one outcome if b = c, else two.
    return McNemar(b, c, exact, 1 - point / 2 if b == c else min(1.0, 2 * tail - point))


def paired_proportions(
    first: NDArray[np.bool_], second: NDArray[np.bool_], confidence: float = 0.95
) -> Estimate:
    """Difference of two proportions on the same examples, second - first, with the adjusted Wald
    interval.

    Bonett & Price 2012 (J. Educ. Behav. Stat. 37:479): one is added to both counts of discordant
    pairs.
    """
    n = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    p, q = (only_second + 1) / (n + 2), (only_first + 1) / (n + 2)
    half_width = _normal_quantile((1 + confidence) / 2) * math.sqrt(
        (p + q - (p - q) ** 2) / (n + 2)
    )
    value = (only_second - only_first) / n
    return Estimate(
        value,
        max(-1.0, p - q - half_width),
        min(1.0, p - q + half_width),
        f"paired proportions (Bonett-Price), {100 * confidence:.0f} %",
        n,
    )


def paired_t(differences: ArrayLike) -> float:
    """Two-sided p-value of the paired t-test for a mean difference of 0."""
    return _mean_p_value(np.asarray(differences, dtype=np.float64), 1.0)


def permutation_test(
    difference: Callable[[NDArray[np.bool_]], float], n: int, *, seed: int = 0, draws: int = 2000
) -> float:
    """Two-sided p-value of the paired permutation test: the two models' predictions are swapped for
    a random half of the examples.

    Args:
        difference: difference of the score, given which examples are swapped, bool [n].
        n: examples.
        seed: of the draws.
        draws: number of random permutations; the p-value is at least 1 / (draws + 1) (Phipson &
            Smyth 2010).
    """
    rng = generator(seed, "exchange", n)
    observed = abs(difference(np.zeros(n, dtype=bool)))
    count = sum(abs(difference(rng.random(n) < 0.5)) >= observed - 1e-12 for _ in range(draws))
    return (count + 1) / (draws + 1)


def corrected_resampled_t(differences: ArrayLike, folds: int, *, step: float = 0.0) -> float:
    """Two-sided p-value for a mean difference of 0 over folds (Nadeau & Bengio 2003).

    Args:
        differences: of the score [R * K], fold by fold, of R repeats of K folds.
        folds: K. The variance of the mean is multiplied by 1 + R K / (K - 1); for one K-fold 1 + K
            / (K - 1).
        step: see :func:`fold_variance`.
    """
    values = np.asarray(differences, dtype=np.float64)
    return _mean_p_value(values, 1 + len(values) / (folds - 1), step)


def _mean_p_value(values: NDArray[np.float64], factor: float, step: float = 0.0) -> float:
    mean, variance = (
        float(values.mean()),
        fold_variance(values, step) if len(values) > 1 else math.nan,
    )
    if mean == 0 or math.isnan(variance):
        return 1.0
    if variance == 0:
        return 0.0
    return t_p_value(mean, math.sqrt(factor * variance / len(values)), len(values) - 1)


def t_p_value(mean: float, standard_error: float, dof: int) -> float:
    """Two-sided p-value of Student's t for a mean with the standard error ``standard_error``."""
    return float(2 * scipy.special.stdtr(dof, -abs(mean) / standard_error))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for multiple comparisons (Holm 1979), in the given order."""
    adjusted, running, count = [0.0] * len(p_values), 0.0, len(p_values)
    for rank, index in enumerate(sorted(range(count), key=p_values.__getitem__)):
        running = max(running, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


@dataclass(frozen=True)
class Posterior:
    """Probabilities that the second model is better, practically equal, or worse; their sum is
    1.
    """

    better: float
    equal: float
    worse: float


def correlated_t(
    differences: ArrayLike, folds: int, rope: float, *, step: float = 0.0
) -> Posterior:
    """Bayesian correlated t-test (Corani & Benavoli 2015, Machine Learning 100:285; Benavoli et al.
    2017, JMLR 18:77).

    The posterior of the mean difference is a Student's t around the mean with the corrected
    variance (1 / n + 1 / (K - 1)) s^2, assuming a correlation of 1 / K between folds.

    Args:
        differences: of the score [R * K], second - first, where higher is better.
        folds: K.
        rope: half the width of the region of practical equivalence, 0 or more.
        step: see :func:`fold_variance`.
    """
    estimate = across_folds(differences, folds, step=step)
    standard_error = (
        (estimate.high - estimate.value) / t_quantile(0.975, estimate.n - 1)
        if estimate.n > 1
        else math.inf
    )
    return t_posterior(estimate.value, standard_error, estimate.n - 1, rope)


def t_posterior(mean: float, standard_error: float, dof: float, rope: float) -> Posterior:
    """Probabilities of a Student's t around ``mean`` above ``rope``, within it, and below."""
    if math.isinf(standard_error) or dof < 1:
        return Posterior(math.nan, math.nan, math.nan)
    if standard_error == 0:
        return Posterior(float(mean > rope), float(-rope <= mean <= rope), float(mean < -rope))
    worse = float(scipy.special.stdtr(dof, (-rope - mean) / standard_error))
    better = float(scipy.special.stdtr(dof, (mean - rope) / standard_error))
    return Posterior(better, max(0.0, 1 - better - worse), worse)


def proportion_posterior(
    first: NDArray[np.bool_], second: NDArray[np.bool_], rope: float, draws: int = 100_000
) -> Posterior:
    """Posterior of the difference of two proportions on the same examples.

    Draws from the Dirichlet posterior of (only the second correct, only the first correct,
    concordant) with Jeffreys' prior.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    counts = np.array([only_second, only_first, len(first) - only_first - only_second]) + 0.5
    sample = generator(0, "dirichlet").dirichlet(counts, draws)
    difference = sample[:, 0] - sample[:, 1]
    return draws_posterior(difference, rope)


def draws_posterior(differences: NDArray[np.float64], rope: float) -> Posterior:
    """Fractions of draws of a difference, [B], above ``rope``, within it, and below; NaN where
    nothing could be drawn.
    """
    if np.isnan(differences).any():
        return Posterior(math.nan, math.nan, math.nan)
    better, worse = float((differences > rope).mean()), float((differences < -rope).mean())
    return Posterior(better, max(0.0, 1 - better - worse), worse)


def _normal_quantile(probability: float) -> float:
    return float(scipy.special.ndtri(probability))
