"""Selective classification: answer where the model is confident, and leave the rest to a person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.evaluation import clusters
from dressform.evaluation.intervals import Estimate
from dressform.evaluation.metrics import Scores
from dressform.evaluation.ranking import thinned_indices
from dressform.predictions import Predictions

TARGETS = (0.9, 0.95, 0.98, 0.99)
"""Fractions of answers that are to be correct."""
CURVE_POINTS = 150
MIN_CHOICE = 50
"""Examples from which a threshold is chosen; with fewer, one more error moves it far."""


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold of the confidence does.

    Attributes:
        threshold: examples whose predicted class has at least this probability are answered.
        coverage: fraction of the examples that are answered.
        precision: fraction of the answers that are correct; None where nothing is answered.
    """

    threshold: float
    coverage: Estimate
    precision: Estimate | None


def threshold_for(predictions: Predictions, precision: float) -> float | None:
    """The lowest threshold at which that fraction of the answers is correct; None if there is none.

    Args:
        predictions: N examples on which the threshold is chosen; its effect on others shows on
            others.
        precision: 0 to 1.
    """
    thresholds, _, correct, answered = _cumulative(Scores(predictions))
    enough = np.flatnonzero(correct >= precision * answered)
    return float(thresholds[enough[-1]]) if len(enough) else None


def operating_point(predictions: Predictions, threshold: float) -> OperatingPoint:
    """What a threshold of the confidence does on these examples."""
    return _operating_point(Scores(predictions), threshold)


def coverage_curve(
    predictions: Predictions, *, limit: int = CURVE_POINTS
) -> tuple[OperatingPoint, ...]:
    """What each threshold does, from the lowest, at which everything is answered.

    Args:
        predictions: N examples.
        limit: of the number of points, which are spaced evenly along the curve.
    """
    scores = Scores(predictions)
    thresholds, coverage, _, _ = _cumulative(scores)
    kept = thinned_indices(np.column_stack([thresholds, coverage]), limit)[::-1]
    return tuple(_operating_point(scores, float(thresholds[i])) for i in kept)


def _cumulative(
    scores: Scores,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct confidences, highest first, with the coverage, the correct answers and all answers
    at each of them, all [M].
    """
    order = np.argsort(-scores.confidence, kind="stable")
    confidence = scores.confidence[order]
    last = np.append(np.flatnonzero(np.diff(confidence)), len(confidence) - 1)
    return (
        confidence[last],
        (last + 1) / len(confidence),
        np.cumsum(scores.correct[order])[last],
        last + 1,
    )


def _operating_point(scores: Scores, threshold: float) -> OperatingPoint:
    answered = scores.confidence >= threshold
    precision = _proportion(scores, scores.correct, answered) if answered.any() else None
    everything = np.ones(len(scores), dtype=np.bool_)
    return OperatingPoint(threshold, _proportion(scores, answered, everything), precision)


def _proportion(scores: Scores, successes: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate:
    of = None if scores.clusters is None else scores.clusters[among]
    return clusters.proportion(successes[among], of)
