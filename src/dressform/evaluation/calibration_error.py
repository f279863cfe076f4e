"""What the expected calibration error of a model may be, given the biased estimate that its
predictions show.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.rng import generator
from dressform.evaluation.intervals import RESAMPLES, Estimate
from dressform.evaluation.metrics import ECE_BINS, Scores, ece

_CANDIDATES = 41


@dataclass(frozen=True, eq=False)
class EceDistribution:
    """A confidence distribution of the true ECE: how well each candidate goes with the estimate
    that was seen.

    Attributes:
        candidates: float64 [C], ascending, 0 or more.
        share: float64 [C], ascending: of estimates under the candidate, those above the one seen
            and half of its equals.
        value: the estimate seen.
        n: examples.
    """

    candidates: NDArray[np.float64]
    share: NDArray[np.float64]
    value: float
    n: int

    def interval(self, confidence: float = 0.95) -> Estimate:
        """The candidates that neither tail rejects; the estimate seen is above all of them where it
        is mostly chance.
        """
        low, high = np.interp(
            [(1 - confidence) / 2, (1 + confidence) / 2], self.share, self.candidates
        )
        return Estimate(
            self.value,
            float(low),
            float(high),
            f"test inversion, parametric bootstrap, {confidence:.0%}",
            self.n,
        )

    def draw(self, draws: int, seed: int) -> NDArray[np.float64]:
        """Random candidates, [draws]."""
        return np.asarray(
            np.interp(generator(seed, "ece-draws").random(draws), self.share, self.candidates)
        )


def ece_distribution(
    scores: Scores, *, resamples: int = RESAMPLES, seed: int = 0
) -> EceDistribution:
    """Invert the test "the true ECE is c" for candidates c (hybrid resampling: Chuang & Lai 2000,
    Statistica Sinica 10:1).

    Absolute values of bins' gaps do not cancel, so the estimate is too high, and a bootstrap adds
    the same bias once more: percentile intervals never cover the 0 of a calibrated model, basic
    ones half of the time. Here new predictions are drawn from models whose ECE is known: bin counts
    from a multinomial, right answers from binomials whose probability is the bin's confidence plus
    a gap. The gaps for a candidate are the likeliest ones with that sum given those seen, which are
    the seen ones shrunk or stretched by a multiple of their variance.

    Intervals of 95 % covered 96.7 % of the time for a calibrated model (0 is the end of the scale),
    93.7 to 94.4 % for a slightly and 94.8 % for a clearly over-confident one at n = 1,000
    (``benchmarks/simulate.py``).

    Args:
        scores: N examples.
        resamples: per candidate.
        seed: of the draws.
    """
    n, count = len(scores), np.bincount(scores.bins, minlength=ECE_BINS)
    used = count > 0
    count = count[used]
    share = count / n
    confidence = np.bincount(scores.bins, scores.confidence, minlength=ECE_BINS)[used] / count
    hits = np.bincount(scores.bins, scores.correct, minlength=ECE_BINS)[used]
    gap, seen = hits / count - confidence, ece(scores)
    # one added to each side, since a bin without an error would have no variance
    smooth = (hits + 1) / (count + 2)
    variance = smooth * (1 - smooth) / count
    spread = float(np.sqrt((share**2 * variance).sum()))
    chance = float((share * np.sqrt(variance)).sum())
    wanted = np.linspace(max(0.0, seen - chance - 4 * spread), seen + 4 * spread, _CANDIDATES)
    multiples = _multiples(wanted, gap, share, variance)
    candidates, tails = np.empty(_CANDIDATES), np.empty(_CANDIDATES)
    counts = generator(seed, "ece-counts", n).multinomial(n, share, resamples)
    for i, multiple in enumerate(multiples):
        right = _right(confidence, _moved(gap, multiple * share * variance))
        # The same stream for each candidate, so that the tails differ by the candidate and not by
        # luck.
        drawn = generator(seed, "ece-hits", n).binomial(counts, right)
        drawn = np.abs(drawn - counts * confidence).sum(axis=1) / n
        candidates[i] = share @ np.abs(right - confidence)
        tails[i] = ((drawn > seen + 1e-12).mean() + (drawn >= seen - 1e-12).mean()) / 2
    return EceDistribution(np.maximum.accumulate(candidates), np.maximum.accumulate(tails), seen, n)


def _right(confidence: NDArray[np.float64], gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities a gap away from the confidence; on its other side where they would leave 0..1.

    A model that is sure and always right may well be too sure, but hardly more timid than it seems.
    """
    right = confidence + gap
    return np.asarray(np.clip(np.where((right < 0) | (right > 1), confidence - gap, right), 0, 1))


def _moved(gap: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaps moved towards 0 by a step, not beyond; away from it by a negative one."""
    return np.asarray(np.sign(gap) * np.maximum(0, np.abs(gap) - step))


def _multiples(
    wanted: NDArray[np.float64],
    gap: NDArray[np.float64],
    share: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The multiple of share * variance that gives each wanted sum of |gaps|, by the sum's corners;
    it is linear between.
    """
    steps = share * variance
    corners = np.sort(np.append(np.abs(gap) / steps, -2 * wanted[-1] / (share @ steps)))
    sums = np.array([share @ np.abs(_moved(gap, corner * steps)) for corner in corners])
    return np.asarray(np.interp(wanted, sums[::-1], corners[::-1]))
