"""Confidence distribution of the expected calibration error, whose plain estimate is biased."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.rng import generator
from dressform.evaluation.intervals import RESAMPLES, Estimate
from dressform.evaluation.metrics import ECE_BINS, Scores, ece

_N_CANDIDATES = 41


@dataclass(frozen=True, eq=False)
class EceDistribution:
    """A confidence distribution of the true ECE: how compatible each candidate is with the observed
    estimate.

    Attributes:
        candidates: float64 [C], ascending, 0 or more.
        cdf: float64 [C], ascending: fraction of estimates under the candidate that exceed the
            observed one, ties counted half.
        value: the observed estimate.
        n: examples.
    """

    candidates: NDArray[np.float64]
    cdf: NDArray[np.float64]
    value: float
    n: int

    def interval(self, confidence: float = 0.95) -> Estimate:
        """The candidates rejected by neither tail; the observed estimate exceeds all of them if it
        is mostly due to chance.
        """
        low, high = np.interp(
            [(1 - confidence) / 2, (1 + confidence) / 2], self.cdf, self.candidates
        )
        return Estimate(
            self.value,
            float(low),
            float(high),
            f"test inversion, parametric bootstrap, {100 * confidence:.0f} %",
            self.n,
        )

    def draw(self, draws: int, seed: int) -> NDArray[np.float64]:
        """Random candidates, [draws]."""
        return np.asarray(
            np.interp(generator(seed, "ece-draws").random(draws), self.cdf, self.candidates)
        )


def ece_distribution(
    scores: Scores, *, resamples: int = RESAMPLES, seed: int = 0
) -> EceDistribution:
    """Invert the test "the true ECE is c" for candidates c (hybrid resampling: Chuang & Lai 2000,
    Statistica Sinica 10:1).

    Absolute gaps of bins do not cancel, so the estimate is too high, and a bootstrap adds the same
    bias again: percentile intervals never cover the 0 of a calibrated model, basic ones only half
    of the time. Here predictions are simulated from models of known ECE: bin counts from a
    multinomial, hits from binomials whose probability is the bin's confidence plus a gap. The gaps
    for a candidate are the most likely ones with that sum given the observed ones: these are shrunk
    or stretched by a multiple of their variance.

    95 % intervals covered the true ECE in 96.7 % of simulations of a calibrated model (0 is the end
    of the scale), in 93.7 to 94.4 % of a slightly and 94.8 % of a clearly overconfident one, at n =
    1,000 (``benchmarks/simulate.py``).

    Args:
        scores: N examples.
        resamples: per candidate.
        seed: of the draws.
    """
    n, count = len(scores), np.bincount(scores.bins, minlength=ECE_BINS)
    non_empty = count > 0
    count = count[non_empty]
    fraction = count / n
    confidence = np.bincount(scores.bins, scores.confidence, minlength=ECE_BINS)[non_empty] / count
    hits = np.bincount(scores.bins, scores.correct, minlength=ECE_BINS)[non_empty]
    gap, observed = hits / count - confidence, ece(scores)
    # add one hit and one miss, since a bin without errors would have no variance
    smoothed = (hits + 1) / (count + 2)
    variance = smoothed * (1 - smoothed) / count
    spread = float(np.sqrt((fraction**2 * variance).sum()))
    chance = float((fraction * np.sqrt(variance)).sum())
    targets = np.linspace(
        max(0.0, observed - chance - 4 * spread), observed + 4 * spread, _N_CANDIDATES
    )
    multiples = _step_multiples(targets, gap, fraction, variance)
    candidates, tails = np.empty(_N_CANDIDATES), np.empty(_N_CANDIDATES)
    counts = generator(seed, "ece-counts", n).multinomial(n, fraction, resamples)
    for i, multiple in enumerate(multiples):
        bin_accuracy = _accuracy_with_gap(
            confidence, _soft_threshold(gap, multiple * fraction * variance)
        )
        # The same stream for each candidate, so that the tails differ by the candidate and not by
        # luck.
        resampled = generator(seed, "ece-hits", n).binomial(counts, bin_accuracy)
        resampled = np.abs(resampled - counts * confidence).sum(axis=1) / n
        candidates[i] = fraction @ np.abs(bin_accuracy - confidence)
        tails[i] = (
            (resampled > observed + 1e-12).mean() + (resampled >= observed - 1e-12).mean()
        ) / 2
    return EceDistribution(
        np.maximum.accumulate(candidates), np.maximum.accumulate(tails), observed, n
    )


def _accuracy_with_gap(
    confidence: NDArray[np.float64], gap: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Accuracies a gap away from the confidence; on the other side of it if they would leave 0..1.

    A confident model that is always right may well be overconfident, but hardly underconfident.
    """
    accuracy = confidence + gap
    return np.asarray(
        np.clip(np.where((accuracy < 0) | (accuracy > 1), confidence - gap, accuracy), 0, 1)
    )


def _soft_threshold(gap: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaps moved towards 0 by a step, but not past it; away from 0 by a negative step, a gap of 0
    downwards: all right with a confidence of 1 may be overconfident.
    """
    return np.asarray(np.where(gap > 0, 1.0, -1.0) * np.maximum(0, np.abs(gap) - step))


def _step_multiples(
    targets: NDArray[np.float64],
    gap: NDArray[np.float64],
    fraction: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The multiple of fraction * variance that yields each target sum of |gaps|, which is piecewise
    linear in it.
    """
    steps = fraction * variance
    knots = np.sort(np.append(np.abs(gap) / steps, -2 * targets[-1] / (fraction @ steps)))
    sums = np.array([fraction @ np.abs(_soft_threshold(gap, knot * steps)) for knot in knots])
    return np.asarray(np.interp(targets, sums[::-1], knots[::-1]))
