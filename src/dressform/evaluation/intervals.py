"""Estimates: a number with its interval, its method and its sample size."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dressform.core.rng import generator
from dressform.core.text import counted

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: the estimate.
        low: lower bound of the interval.
        high: upper bound.
        method: of the interval.
        n: number of examples, folds or seeds.
    """

    value: float
    low: float
    high: float
    method: str
    n: int

    def clip(self, minimum: float, maximum: float) -> "Estimate":
        """The same with the interval clipped to possible values, which does not reduce its
        coverage.
        """
        return replace(self, low=max(self.low, minimum), high=min(self.high, maximum))

    def to_json(self) -> dict[str, Any]:
        """``{"value", "low", "high", "method", "n"}``; infinite bounds are null, as JSON has no
        infinity.
        """
        return {
            k: None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in vars(self).items()
        }


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval (E. B. Wilson 1927, JASA 22:209).

    Args:
        successes: 0 to n.
        n: at least 1.
        confidence: coverage, between 0 and 1.

    Raises:
        ValueError: arguments out of range.
    """
    if not 0 <= successes <= n or n < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"wilson({successes}, {n}, {confidence}): need 0 <= successes <= n, n >= 1, 0 < "
            f"confidence < 1"
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / n
    low, high = score_bounds(p, n, z)
    low = 0.0 if successes == 0 else low
    high = 1.0 if successes == n else high
    return Estimate(p, low, high, f"Wilson score, {100 * confidence:.0f} %", n)


def score_bounds(p: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's bounds for a proportion p of n, which need be no whole number, within 0..1.

    Args:
        p: 0 to 1.
        n: above 0.
        z: quantile for the coverage.
    """
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half_width = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half_width), min(1.0, centre + half_width)


def wilson_f1(hits: int, wrong: int, confidence: float = 0.95) -> Estimate:
    """The F1 of one class with Wilson's interval, transformed from the proportion of hits among
    hits and errors.

    F1 = 2 J / (1 + J) where J = hits / (hits + wrong) is a proportion (Lam, Gopal & Qian 2023,
    arXiv:2309.14621).

    Args:
        hits: true positives.
        wrong: false positives and false negatives.
        confidence: coverage, between 0 and 1.

    Raises:
        ValueError: there are neither hits nor errors.
    """
    return f1_of_jaccard(wilson(hits, hits + wrong, confidence))


def f1_of_jaccard(jaccard: Estimate) -> Estimate:
    """F1 = 2 J / (1 + J), with its interval, of a proportion J of hits among hits and errors."""
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    method = jaccard.method.replace("Wilson score", "Wilson score for F1", 1)
    return Estimate(value, low, high, method, jaccard.n)


def student(values: ArrayLike, confidence: float = 0.95, what: str = "examples") -> Estimate:
    """A mean with Student's t interval.

    Args:
        values: independent numbers [n]; with only one, the interval is infinite.
        confidence: coverage, between 0 and 1.
        what: the units of observation, for the method's name.
    """
    return _t_interval(
        values, 1.0, confidence, f"Student's t over {what}, {100 * confidence:.0f} %"
    )


def across_folds(
    values: ArrayLike, folds: int, confidence: float = 0.95, *, step: float = 0.0
) -> Estimate:
    """The mean of a score over the folds of a (repeated) cross-validation, corrected for the
    overlap of training sets.

    Training sets of two folds overlap, so the scores are not independent and the plain t interval
    is too narrow. The variance of the mean is multiplied by F = 1 + n / (K - 1) for n scores; for
    one K-fold that is 1 + K / (K - 1) (Nadeau & Bengio 2003, Machine Learning 52:239; for repeats
    Bouckaert & Frank 2004).

    Args:
        values: scores [R * K] of R repeats of K folds.
        folds: K, at least 2.
        confidence: coverage, between 0 and 1.
        step: see :func:`fold_variance`.
    """
    values = np.asarray(values, dtype=np.float64)
    factor = 1 + len(values) / (folds - 1)
    return _t_interval(
        values,
        factor,
        confidence,
        f"corrected resampled t over folds (Nadeau-Bengio), {100 * confidence:.0f} %",
        step,
    )


def fold_variance(values: NDArray[np.float64], step: float) -> float:
    """The variance of scores over folds, at least that of rounding them to a multiple of a step:
    few small folds often have the same score, which does not mean that it has no spread.

    Args:
        values: scores [n], n at least 2.
        step: by which a score changes with one example, 1 over the size of a fold for accuracy; 0
            for scores that are no counts.
    """
    return max(float(np.var(values, ddof=1)), step**2 / 12)


def _t_interval(
    values: ArrayLike, factor: float, confidence: float, method: str, step: float = 0.0
) -> Estimate:
    values = np.asarray(values, dtype=np.float64)
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Estimate(mean, -math.inf, math.inf, method, n)
    half_width = t_quantile((1 + confidence) / 2, n - 1) * math.sqrt(
        factor * fold_variance(values, step) / n
    )
    return Estimate(mean, mean - half_width, mean + half_width, method, n)


def t_quantile(probability: float, dof: float) -> float:
    """Quantile of Student's t distribution."""
    from scipy.special import stdtrit  # takes as long to import as all that predict needs

    return float(stdtrit(dof, probability))


def resample(
    n: int,
    seed: int = 0,
    resamples: int = RESAMPLES,
    clusters: NDArray[np.int64] | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Bootstrap resamples as weights: how often each of n examples was drawn, int64 [n] each (Efron
    1979).

    With clusters these are drawn, each with all its examples (Davison & Hinkley 1997, section 3.8).
    The same n and seed give the same resamples, so that differences between two models are paired.
    """
    units = n if clusters is None else int(clusters.max()) + 1
    random = generator(seed, "bootstrap", units)
    for _ in range(resamples):
        weights = np.bincount(random.integers(0, units, units), minlength=units)
        yield weights if clusters is None else weights[clusters]


def percentile(
    value: float,
    resampled: NDArray[np.float64],
    n: int,
    confidence: float = 0.95,
    clusters: NDArray[np.int64] | None = None,
) -> Estimate:
    """Percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

    Its bounds are the (B + 1) p-th smallest resamples (Davison & Hinkley 1997, section 5.2), which
    avoids a loss of coverage for finite B.

    Args:
        value: of the original examples.
        resampled: values of the resamples, [B].
        n: examples; with only one, the interval is infinite.
        confidence: coverage, between 0 and 1.
        clusters: that were resampled, int64 [n]; None for examples.
    """
    units = n if clusters is None else int(clusters.max()) + 1
    method = f"bootstrap, percentile, {100 * confidence:.0f} %"
    method = (
        method
        if clusters is None
        else f"bootstrap of {counted(units, 'group')}, percentile, {100 * confidence:.0f} %"
    )
    if units < 2:  # every resample is the same
        return Estimate(value, -math.inf, math.inf, method, n)
    low, high = np.quantile(
        resampled, [(1 - confidence) / 2, (1 + confidence) / 2], method="weibull"
    )
    return Estimate(value, float(low), float(high), method, n)
