"""Precision-recall and ROC curves, one class against the rest, with the areas under them."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from dressform.evaluation.evaluate import without_groups
from dressform.evaluation.intervals import Estimate, score_bounds
from dressform.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve over all thresholds of a class's probability, from the highest to the lowest.

    Attributes:
        x: float64 [M], recall or false positive rate, 0..1, ascending.
        y: float64 [M], precision or true positive rate, 0..1.
        thresholds: float64 [M]; examples with at least this probability count as the class.
            Infinite where the curve starts without any example.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def thinned(self, limit: int) -> "Curve":
        """The same curve with at most ``limit`` of its points, evenly spaced along it; both ends
        are kept.
        """
        kept = thinned_indices(np.column_stack([self.x, self.y]), limit)
        return Curve(self.x[kept], self.y[kept], self.thresholds[kept])


@dataclass(frozen=True, eq=False)
class ClassCurves:
    """How well the probability of a class ranks its examples above all others.

    Attributes:
        label: name of the class.
        precision_recall: the precision-recall curve.
        roc: the receiver operating characteristic.
        average_precision: area under the first as a sum of steps, as in scikit-learn.
        roc_auc: area under the second.
    """

    label: str
    precision_recall: Curve
    roc: Curve
    average_precision: Estimate
    roc_auc: Estimate


def ranking_curves(predictions: Predictions) -> list[ClassCurves | None]:
    """The curves of each class, in label order; None for a class that no example has, or all have.

    Args:
        predictions: N examples with probabilities.

    Raises:
        DataError: these are hard predictions.
    """
    predictions.require_probabilities("a precision-recall curve")
    probabilities, curves = predictions.probabilities, list[ClassCurves | None]()
    for number, name in enumerate(predictions.class_names):
        is_class = predictions.labels == number
        one = _class_curves(name, probabilities[:, number], is_class)
        if one is not None and predictions.groups is not None:
            areas = (without_groups(area) for area in (one.average_precision, one.roc_auc))
            one = ClassCurves(name, one.precision_recall, one.roc, *areas)
        curves.append(one)
    return curves


def _class_curves(
    name: str, score: NDArray[np.float64], is_class: NDArray[np.bool_]
) -> ClassCurves | None:
    positives = int(is_class.sum())
    negatives = len(is_class) - positives
    if not positives or not negatives:
        return None
    order = np.argsort(-score, kind="stable")
    # Equal scores cannot be told apart by a threshold: a point at the last of each.
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    true_positives = np.cumsum(is_class[order])[last].astype(np.float64)
    predicted = last + 1.0
    recall, precision = true_positives / positives, true_positives / predicted
    false_positive_rate = (predicted - true_positives) / negatives
    thresholds = np.concatenate([[np.inf], score[order][last]])
    average_precision = float(np.diff(recall, prepend=0) @ precision)
    roc = Curve(
        np.concatenate([[0], false_positive_rate]), np.concatenate([[0], recall]), thresholds
    )
    area = float(np.trapezoid(roc.y, roc.x))
    return ClassCurves(
        name,
        Curve(np.concatenate([[0], recall]), np.concatenate([[1], precision]), thresholds),
        roc,
        _average_precision_interval(min(average_precision, 1.0), positives),
        roc_auc_interval(min(area, 1.0), positives, negatives),
    )


def _average_precision_interval(value: float, positives: int) -> Estimate:
    """Average precision as a proportion of the positives (Boyd, Eng & Page 2013, ECML PKDD), with
    Wilson's bounds, which stay within 0..1 and have a width at 1.
    """
    low, high = score_bounds(value, positives, NormalDist().inv_cdf(0.975))
    return Estimate(value, low, 1.0 if value == 1 else high, "Wilson score, 95 %", positives)


def roc_auc_interval(area: float, positives: int, negatives: int) -> Estimate:
    """The score interval of an area under a ROC curve (Newcombe 2006, Stat. Med. 25:559, method 5).

    Args:
        area: 0 to 1.
        positives: examples of the class, at least 1.
        negatives: all others, at least 1.
    """
    z, star = NormalDist().inv_cdf(0.975), (positives + negatives) / 2 - 1

    def distance(theta: float, sign: float) -> float:
        spread = 1 + star * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return sign * (area - theta) - z * math.sqrt(max(variance, 0.0))

    # At 0 and 1 the variance vanishes, and the area itself would be a solution.
    edge = 1e-12
    low = (
        0.0
        if area <= edge
        else scipy.optimize.brentq(distance, 0.0, min(area, 1 - edge), args=(1.0,))
    )
    high = (
        1.0
        if area >= 1 - edge
        else scipy.optimize.brentq(distance, max(area, edge), 1.0, args=(-1.0,))
    )
    return Estimate(area, float(low), float(high), "Newcombe score, 95 %", positives + negatives)


def thinned_indices(points: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Indices of at most ``limit`` points of a path, evenly spaced along it, both ends among them.

    Args:
        points: float64 [M, D].
        limit: at least 2.
    """
    if len(points) <= limit:
        return np.arange(len(points))
    steps = np.abs(np.diff(points, axis=0)).sum(axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    even = np.searchsorted(length, np.linspace(0, length[-1], limit))
    even[0], even[-1] = 0, len(points) - 1
    return np.unique(even)
