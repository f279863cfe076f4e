"""`evaluate`: the standard metrics of predictions, each with its interval."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.text import columns, one_line, padded
from dressform.evaluation import clusters
from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.intervals import (
    RESAMPLES,
    Estimate,
    f1_of_jaccard,
    percentile,
    resample,
    student,
    wilson,
    wilson_f1,
)
from dressform.evaluation.metrics import METRICS, Metric, Scores, confusion_matrix
from dressform.predictions import Predictions

MAX_CONFUSION_CLASSES = 1000
"""Maximum number of classes for a confusion matrix, which then has a million cells."""


@dataclass(frozen=True)
class ClassScore:
    """Metrics of one class.

    Attributes:
        label: name of the class.
        precision: with Wilson interval.
        recall: with Wilson interval.
        f1: with Wilson interval for F1.
        support: examples of this class.
    """

    label: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int

    def to_json(self) -> dict[str, Any]:
        """Values by name, and the bounds of their intervals."""
        scores = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {
            "label": self.label,
            **{name: score.value for name, score in scores.items()},
            "support": self.support,
            "intervals": {name: [score.low, score.high] for name, score in scores.items()},
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluation of one set of predictions.

    Attributes:
        estimates: by metric name; ``accuracy`` first.
        per_class: one per class, in label order.
        confusion: int64 [K, K], rows true, columns predicted; None with more than
            ``MAX_CONFUSION_CLASSES`` classes.
        missing: names of the metrics that need probabilities, which hard predictions lack; else
            empty.
    """

    estimates: dict[str, Estimate]
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64] | None
    missing: tuple[str, ...] = ()

    @property
    def accuracy(self) -> Estimate:
        """Accuracy."""
        return self.estimates["accuracy"]

    def to_json(self) -> dict[str, Any]:
        """The document printed by ``dressform evaluate --json``."""
        return {
            "accuracy": self.accuracy.value,
            "low": self.accuracy.low,
            "high": self.accuracy.high,
            "method": self.accuracy.method,
            "n": self.accuracy.n,
            "estimates": {name: e.to_json() for name, e in self.estimates.items()},
            "per_class": [score.to_json() for score in self.per_class],
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            **({"need_probabilities": list(self.missing)} if self.missing else {}),
        }

    def report(self) -> str:
        """The classification report as text: a row per class, averages, and every metric with its
        interval.
        """
        names = [one_line(score.label) for score in self.per_class]
        width = max(len("weighted average"), *map(columns, names))
        lines = [f"{'':{width}}  precision  recall      F1  support  recall, 95 %"]
        for name, s in zip(names, self.per_class, strict=True):
            scores = (
                f"{s.precision.value:9.4f}  {s.recall.value:6.4f}  {s.f1.value:6.4f}  "
                f"{s.support:7d}"
            )
            interval = f"{s.recall.low:.4f} to {s.recall.high:.4f}" if s.support else "-"
            lines.append(f"{padded(name, width)}  {scores}  {interval}")
        # as macro-F1: the classes that occur among labels or predictions
        rows = [s for s in self.per_class if s.f1.n]
        table = np.array([[s.precision.value, s.recall.value, s.f1.value] for s in rows])
        weights = np.array([s.support for s in rows], dtype=np.float64)
        averages = (
            ("macro average", table.mean(axis=0)),
            ("weighted average", weights @ table / weights.sum()),
        )
        lines.append("")
        lines += [
            f"{name:{width}}  {p:9.4f}  {r:6.4f}  {f:6.4f}  {self.accuracy.n:7d}"
            for name, (p, r, f) in averages
        ]
        lines.append("")
        for name, estimate in self.estimates.items():
            lines.append(
                f"{METRICS[name].title:{width}}  "
                f"{describe(estimate, percent=METRICS[name].percent)}"
            )
        if self.missing:
            titles = ", ".join(METRICS[name].title for name in self.missing)
            lines.append(
                f"\nThese are hard predictions; {titles} need a probability for each class."
            )
        return "\n".join(lines) + "\n"


def describe(estimate: Estimate, *, percent: bool = True) -> str:
    """``93.40 % (92.90 to 93.87, Wilson score, 95 %, n = 10000)``; without ``percent`` ``0.1820
    (0.1750 to 0.1890, …)``.
    """
    if percent:
        return (
            f"{100 * estimate.value:.2f} % ({100 * estimate.low:.2f} to {100 * estimate.high:.2f}, "
            f"{estimate.method}, n = {estimate.n})"
        )
    return (
        f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f}, {estimate.method}, "
        f"n = {estimate.n})"
    )


def estimate(metric: Metric, predictions: Predictions, *, resamples: int = RESAMPLES) -> Estimate:
    """A metric with an appropriate interval.

    Proportions of examples have Wilson's interval and means over examples Student's t; balanced
    accuracy and macro-F1 use the percentile bootstrap; and ECE, whose estimate is biased upwards,
    has the values that a parametric bootstrap does not reject.

    If examples have groups, these are the independent observations: for Wilson's interval at the
    effective sample size, for Student's t, and in the bootstrap, where a group is drawn with all
    its examples. ECE's interval knows no groups, and its method says so.
    """
    return estimates([metric], Scores(predictions), resamples=resamples)[metric.name]


def estimates(
    metrics: Iterable[Metric], scores: Scores, *, resamples: int = RESAMPLES
) -> dict[str, Estimate]:
    """Several metrics with their intervals, by name, in the order of ``metrics``; all share the
    same resamples.
    """
    metrics = list(metrics)
    aggregates = [
        metric for metric in metrics if metric.per_example is None and metric.name != "ece"
    ]
    groups = scores.clusters
    resampled = resample(len(scores), resamples=resamples, clusters=groups) if aggregates else ()
    draws = np.array(
        [[metric.value(scores, weights) for metric in aggregates] for weights in resampled]
    )
    by_name = {
        m.name: percentile(m.value(scores, None), draws[:, i], len(scores), clusters=groups)
        for i, m in enumerate(aggregates)
    }
    for metric in metrics:
        if metric.name == "ece":
            interval = ece_distribution(scores, resamples=resamples).interval()
            by_name["ece"] = interval if groups is None else without_groups(interval)
        elif metric.per_example is not None:
            by_name[metric.name] = _mean(metric, metric.per_example(scores), groups)
    return {metric.name: by_name[metric.name].clip(0, metric.maximum) for metric in metrics}


def _mean(
    metric: Metric,
    values: NDArray[np.bool_] | NDArray[np.float64],
    groups: NDArray[np.int64] | None,
) -> Estimate:
    """A metric that is a mean over examples, of examples or of groups of them."""
    if metric.kind == "proportion":
        if groups is None:
            return wilson(int(values.sum()), len(values))
        return clusters.proportion(values > 0, groups)
    return student(values) if groups is None else clusters.mean(values, groups)


def without_groups(interval: Estimate) -> Estimate:
    """An interval for independent examples, of examples in groups: its method says that it knows
    nothing of these.
    """
    return replace(interval, method=f"{interval.method}, groups not considered")


def evaluate(predictions: Predictions, *, resamples: int = RESAMPLES) -> Evaluation:
    """Evaluate predictions: every metric with its 95 % interval, metrics per class, and the
    confusion matrix.

    Hard predictions have the metrics that need no probabilities; :attr:`Evaluation.missing` names
    the others.
    """
    scores, classes = Scores(predictions), len(predictions.class_names)
    possible = [m for m in METRICS.values() if not (m.needs_probabilities and predictions.hard)]
    found = estimates(possible, scores, resamples=resamples)
    confusion = (
        confusion_matrix(predictions.labels, predictions.predicted, classes)
        if classes <= MAX_CONFUSION_CLASSES
        else None
    )
    missing = tuple(name for name in METRICS if name not in found)
    return Evaluation(found, _per_class(predictions.class_names, scores), confusion, missing)


def _per_class(names: tuple[str, ...], scores: Scores) -> tuple[ClassScore, ...]:
    if scores.clusters is not None:
        return tuple(
            _of_groups(name, label, scores, scores.clusters) for label, name in enumerate(names)
        )
    rows = []
    for label, *counts in zip(names, *scores.class_counts(), strict=True):
        hits, support, predicted = map(int, counts)
        f1 = wilson_f1(hits, support + predicted - 2 * hits) if support + predicted else _UNKNOWN
        rows.append(
            ClassScore(label, _proportion(hits, predicted), _proportion(hits, support), f1, support)
        )
    return tuple(rows)


def _of_groups(name: str, label: int, scores: Scores, groups: NDArray[np.int64]) -> ClassScore:
    """The metrics of a class whose examples are in groups."""
    true, predicted = scores.labels == label, scores.predicted == label

    def fraction(of: NDArray[np.bool_]) -> Estimate:
        return clusters.proportion(scores.correct[of], groups[of]) if of.any() else _UNKNOWN

    jaccard = fraction(true | predicted)
    f1 = jaccard if jaccard is _UNKNOWN else f1_of_jaccard(jaccard)
    return ClassScore(name, fraction(predicted), fraction(true), f1, int(true.sum()))


_UNKNOWN = Estimate(0.0, 0.0, 1.0, "no examples", 0)


def _proportion(successes: int, n: int) -> Estimate:
    """A proportion with Wilson's interval; without examples 0, as in scikit-learn, in the interval
    0..1.
    """
    return wilson(successes, n) if n else _UNKNOWN
