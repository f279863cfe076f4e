"""Metrics of predictions. All of them take optional example weights, so that one mechanism
resamples them all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import unknown_name
from dressform.core.numbers import percent, percent_range
from dressform.evaluation.clusters import numbered
from dressform.predictions import Predictions

ECE_BINS = 15
Weights = NDArray[np.floating] | NDArray[np.integer] | None
"""Weight of each example, [N]; None weights all by 1."""


def confusion_matrix(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """The confusion matrix: counts of true class i predicted as class j.

    Args:
        labels: int64 [N], 0..classes-1.
        predicted: int64 [N], 0..classes-1.
        classes: K.

    Returns:
        int64 [K, K], rows true, columns predicted.
    """
    return (
        np.bincount(labels * classes + predicted, minlength=classes * classes)
        .reshape(classes, classes)
        .astype(np.int64)
    )


class Scores:
    """Intermediate values that metrics need, each computed once per set of predictions.

    Hard predictions have no probabilities, and no values computed from them.

    Args:
        predictions: N examples, K classes.

    Attributes:
        clusters: int64 [N], the number of each example's group, 0..G-1, or None.
    """

    probabilities: NDArray[np.float64]
    _logits: NDArray[np.float64]

    def __init__(self, predictions: Predictions) -> None:
        self.classes = len(predictions.class_names)
        self.labels = predictions.labels
        self.predicted = predictions.predicted
        self.hard = predictions.hard
        if not self.hard:
            self.probabilities = predictions.probabilities
            self._logits = predictions.scaled_logits
        self.clusters = None if predictions.groups is None else numbered(predictions.groups)

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def joined(cls, first: "Scores", second: "Scores") -> "Scores":
        """Both sets of predictions concatenated, [2N]; weights then select among them."""
        both = cls.__new__(cls)
        both.classes, both.clusters = first.classes, None
        both.hard = first.hard or second.hard
        scores = () if both.hard else ("probabilities", "_logits")
        for name in ("labels", "predicted", *scores):
            setattr(both, name, np.concatenate([getattr(first, name), getattr(second, name)]))
        return both

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the predicted class is the true one, bool [N]."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the predicted class, float64 [N]."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def nll(self) -> NDArray[np.float64]:
        """Negative log-likelihood of the true class in nats, float64 [N]."""
        logits = self._logits
        top = logits.max(axis=1)
        true = logits[np.arange(len(self)), self.labels]
        return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - true)

    @cached_property
    def brier(self) -> NDArray[np.float64]:
        """Squared error of the probabilities, summed over classes, 0..2, float64 [N] (Brier)."""
        squares = (self.probabilities**2).sum(axis=1)
        return np.asarray(squares - 2 * self.probabilities[np.arange(len(self)), self.labels] + 1)

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Rank of the true class from 0, int64 [N]; of tied classes, the one with the smaller label
        comes first.
        """
        true = self._logits[np.arange(len(self)), self.labels][:, None]
        earlier = np.arange(self.classes)[None] < self.labels[:, None]
        return np.asarray(((self._logits > true) | ((self._logits == true) & earlier)).sum(axis=1))

    @cached_property
    def bins(self) -> NDArray[np.int64]:
        """Confidence bin of each example among 15 of equal width, 0..14, int64 [N]; upper edges are
        inclusive.
        """
        return np.clip(np.ceil(self.confidence * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)

    @cached_property
    def _correct_labels(self) -> NDArray[np.int64]:
        """Labels of the correctly predicted examples."""
        return self.labels[self.correct]

    def class_counts(
        self, weights: Weights = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Counts per class: true positives, support and predictions; float64 [K] each.

        These are the diagonal, row sums and column sums of the confusion matrix, computed without
        its K^2 cells.
        """
        counts_by_kind = (
            np.bincount(
                self._correct_labels,
                None if weights is None else weights[self.correct],
                minlength=self.classes,
            ),
            np.bincount(self.labels, weights, minlength=self.classes),
            np.bincount(self.predicted, weights, minlength=self.classes),
        )
        true_positives, support, predicted_counts = (
            counts.astype(np.float64) for counts in counts_by_kind
        )
        return true_positives, support, predicted_counts


def accuracy(scores: Scores, weights: Weights = None) -> float:
    """Fraction of correct predictions."""
    return _mean(scores.correct, weights)


def balanced_accuracy(scores: Scores, weights: Weights = None) -> float:
    """Mean recall over the classes that occur."""
    true_positives, support, _ = scores.class_counts(weights)
    present = support > 0
    return float((true_positives[present] / support[present]).mean())


def macro_f1(scores: Scores, weights: Weights = None) -> float:
    """Mean F1 over the classes that occur among labels or predictions."""
    true_positives, support, predicted_counts = scores.class_counts(weights)
    sizes = support + predicted_counts
    present = sizes > 0
    return float((2 * true_positives[present] / sizes[present]).mean())


def top2(scores: Scores, weights: Weights = None) -> float:
    """Fraction of examples whose class is among the two most likely."""
    return _mean(scores.rank < 2, weights)


def top3(scores: Scores, weights: Weights = None) -> float:
    """Fraction of examples whose class is among the three most likely."""
    return _mean(scores.rank < 3, weights)


def nll(scores: Scores, weights: Weights = None) -> float:
    """Mean negative log-likelihood in nats, also called cross-entropy or log loss."""
    return _mean(scores.nll, weights)


def brier(scores: Scores, weights: Weights = None) -> float:
    """Mean Brier score over all classes, 0..2 (scikit-learn's with ``scale_by_half=False``)."""
    return _mean(scores.brier, weights)


def ece(scores: Scores, weights: Weights = None) -> float:
    """Expected calibration error of the predicted class, 15 bins of equal width (Guo et al. 2017),
    0..1.

    The plain estimate is biased upwards for well-calibrated models, because absolute gaps between
    accuracy and confidence do not cancel.
    """
    gap = scores.correct - scores.confidence
    gaps = np.bincount(scores.bins, gap if weights is None else gap * weights, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / (len(scores) if weights is None else weights.sum()))


def _mean(values: NDArray[np.bool_] | NDArray[np.float64], weights: Weights) -> float:
    return float(values.mean()) if weights is None else float(values @ weights / weights.sum())


@dataclass(frozen=True)
class Metric:
    """A metric of predictions.

    Attributes:
        name: on the command line and in JSON.
        title: for people.
        value: of scores and weights.
        greater_is_better: whether higher values are better.
        kind: ``proportion`` of examples, ``mean`` over examples, or ``aggregate``: a function of
            all examples together.
        per_example: the per-example values of the first two kinds, [N].
        maximum: the largest possible value; the smallest is 0.
        needs_probabilities: whether hard predictions do not have it.
    """

    name: str
    title: str
    value: Callable[[Scores, Weights], float]
    greater_is_better: bool
    kind: Literal["proportion", "mean", "aggregate"]
    per_example: Callable[[Scores], NDArray[np.bool_] | NDArray[np.float64]] | None = None
    maximum: float = 1.0
    needs_probabilities: bool = True

    @property
    def percent(self) -> bool:
        """Whether it is shown in percent."""
        return self.name not in ("nll", "brier")

    def text(self, value: float) -> str:
        """A value for people: ``93.40 %`` or ``0.1820``."""
        return percent(value) if self.percent else f"{value:.4f}"

    def difference(self, value: float) -> str:
        """A difference without its unit: ``+1.09`` points, or ``-0.0120``."""
        return f"{100 * value:+.2f}" if self.percent else f"{value:+.4f}"

    def span(self, low: float, high: float) -> str:
        """The bounds of an interval for people, without their unit: ``92.90 to 93.87``."""
        return percent_range(low, high) if self.percent else f"{low:.4f} to {high:.4f}"


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "accuracy",
            "accuracy",
            accuracy,
            True,
            "proportion",
            lambda s: s.correct,
            needs_probabilities=False,
        ),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            balanced_accuracy,
            True,
            "aggregate",
            needs_probabilities=False,
        ),
        Metric("macro_f1", "macro-F1", macro_f1, True, "aggregate", needs_probabilities=False),
        Metric("top2", "top-2 accuracy", top2, True, "proportion", lambda s: s.rank < 2),
        Metric("top3", "top-3 accuracy", top3, True, "proportion", lambda s: s.rank < 3),
        Metric("nll", "NLL", nll, False, "mean", lambda s: s.nll, math.inf),
        Metric("brier", "Brier score", brier, False, "mean", lambda s: s.brier, 2.0),
        Metric("ece", "ECE", ece, False, "aggregate"),
    )
}


def find_metric(name: str) -> Metric:
    """Look up a metric by name; hyphens and underscores are equivalent.

    Raises:
        UnknownNameError: there is no such metric.
    """
    metric = METRICS.get(name.replace("-", "_"))
    if metric is None:
        raise unknown_name("metric", name, METRICS)
    return metric
