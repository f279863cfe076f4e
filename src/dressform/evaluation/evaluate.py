"""`evaluate`: the standard metrics of predictions, each with its interval."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, paragraph, table
from dressform.core.numbers import percent, percent_range
from dressform.core.text import columns, one_line, padded, shortened
from dressform.evaluation import clusters
from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.fold_scores import FoldScores
from dressform.evaluation.intervals import (
    RESAMPLES,
    Estimate,
    f1_of_jaccard,
    percentile,
    resample,
    wilson,
    wilson_f1,
)
from dressform.evaluation.metrics import METRICS, Metric, Scores, confusion_matrix
from dressform.predictions import Predictions

MAX_CONFUSION_CLASSES = 1000
"""Maximum number of classes for a confusion matrix, which then has a million cells."""


LEVEL = ", 95 %"
"""How an interval's method ends if it names its level."""
SCORES, MIN_NAME = 54, 16
"""Columns of the scores in a report, and of the names at least."""


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

    def __repr__(self) -> str:
        return brief(
            self,
            self.label,
            f"precision {percent(self.precision.value)}",
            f"recall {percent(self.recall.value)}",
            f"F1 {percent(self.f1.value)}",
            f"support {self.support:,}",
        )

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
        temperature: that the probabilities were computed with.
        temperature_fitted_on: the split that it was fitted on, where that is known.
        over_folds: of a cross-validation, whose other scores are pooled over the folds of its first
            repeat; else None.
    """

    estimates: dict[str, Estimate]
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64] | None
    missing: tuple[str, ...] = ()
    temperature: float = 1.0
    temperature_fitted_on: str | None = None
    over_folds: FoldScores | None = None

    def __repr__(self) -> str:
        folds, classes = self.over_folds, f"{len(self.per_class)} classes"
        if folds is None:
            return brief(self, f"accuracy {describe(self.accuracy)}", classes)
        return brief(self, folds.title, f"accuracy {folds.text(METRICS['accuracy'])}", classes)

    def _repr_html_(self) -> str:
        metrics = [
            [METRICS[name].title, *_cells(METRICS[name], one), one.method]
            for name, one in self.estimates.items()
        ]
        classes = [
            [
                s.label,
                percent(s.precision.value),
                percent(s.recall.value),
                percent(s.f1.value),
                f"{s.support:,}",
            ]
            for s in self.per_class
        ]
        folds = self.over_folds
        return (
            (folds._repr_html_() + paragraph(self.pooled) if folds is not None else "")
            + paragraph(f"{self.accuracy.n:,} examples")
            + (paragraph(self.scaling) if self.scaling else "")
            + table(["metric", "value", "95 % interval", "method"], metrics)
            + table(["class", "precision", "recall", "F1", "support"], classes)
        )

    @property
    def accuracy(self) -> Estimate:
        """Accuracy."""
        return self.estimates["accuracy"]

    @property
    def pooled(self) -> str:
        """What the scores beside those over folds are, for people."""
        repeat = ", repeat 1" if self.over_folds is not None and self.over_folds.repeats > 1 else ""
        return f"pooled over all folds{repeat}: of these trained models, not of the recipe"

    @property
    def scaling(self) -> str:
        """``probabilities with temperature 0.80, fitted on validation``; empty where logits are
        not scaled.
        """
        return temperature_note(self.temperature, self.temperature_fitted_on)

    def to_json(self) -> dict[str, Any]:
        """The document printed by ``dressform evaluate --json``."""
        return {
            "accuracy": self.accuracy.value,
            "low": self.accuracy.low,
            "high": self.accuracy.high,
            "method": self.accuracy.method,
            "n": self.accuracy.n,
            "temperature": self.temperature,
            "temperature_fitted_on": self.temperature_fitted_on,
            "estimates": {name: e.to_json() for name, e in self.estimates.items()},
            "per_class": [score.to_json() for score in self.per_class],
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            **({"need_probabilities": list(self.missing)} if self.missing else {}),
            **({} if self.over_folds is None else {"over_folds": self.over_folds.to_json()}),
        }

    def report(self, width: int | None = None) -> str:
        """The classification report as text: a row per class in percent, averages, and every
        metric with its interval.

        Args:
            width: columns that the table may take; longer names of classes are then shortened in
                the middle. None shows them whole.
        """
        names = [one_line(score.label) for score in self.per_class]
        if width is not None:
            names = [shortened(name, max(MIN_NAME, width - SCORES)) for name in names]
        titles = ("weighted average", *(METRICS[name].title for name in self.estimates))
        column = max(map(columns, (*titles, *names)))
        lines = []
        if self.over_folds is not None:
            lines += [f"{self.over_folds.title}, ± s.d.\n"]
            lines += [
                f"{METRICS[name].title:{column}}  {self.over_folds.text(METRICS[name])}"
                for name in self.over_folds.scores
            ]
            lines += [f"\n{self.pooled}\n"]
        lines += [f"{'in %':{column}}  precision  recall      F1  support  recall, 95 %"]
        for name, s in zip(names, self.per_class, strict=True):
            scores = (
                f"{100 * s.precision.value:9.2f}  {100 * s.recall.value:6.2f}  "
                f"{100 * s.f1.value:6.2f}  {s.support:7,d}"
            )
            interval = percent_range(s.recall.low, s.recall.high) if s.support else "-"
            lines.append(f"{padded(name, column)}  {scores}  {interval}")
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
            f"{name:{column}}  {100 * p:9.2f}  {100 * r:6.2f}  {100 * f:6.2f}  "
            f"{self.accuracy.n:7,d}"
            for name, (p, r, f) in averages
        ]
        lines.append("")
        told = {(one.method.endswith(LEVEL), one.n) for one in self.estimates.values()}
        shared = f"{LEVEL}, n = {self.accuracy.n:,}" if told == {(True, self.accuracy.n)} else ""
        if shared:
            lines.append(f"with 95 % intervals, n = {self.accuracy.n:,}:")
        for name, estimate in self.estimates.items():
            metric = METRICS[name]
            text = describe(estimate, metric).replace(f"{shared})", ")")
            lines.append(f"{metric.title:{column}}  {text}")
        if self.scaling:
            lines.append(f"\n{self.scaling}")
        if self.missing:
            needy = ", ".join(METRICS[name].title for name in self.missing)
            lines.append(
                f"\nThese are hard predictions; {needy} need a probability for each class."
            )
        return "\n".join(lines) + "\n"


def temperature_note(temperature: float, fitted_on: str | None) -> str:
    """What probabilities were computed with, for people; empty for a temperature of 1."""
    if temperature == 1:
        return ""
    fitted = f", fitted on {fitted_on}" if fitted_on else ""
    return f"probabilities with temperature {temperature:.2f}{fitted}"


def _cells(metric: Metric, estimate: Estimate) -> tuple[str, str]:
    """The value and its interval."""
    unit = " %" if metric.percent else ""
    return metric.text(estimate.value), f"{metric.span(estimate.low, estimate.high)}{unit}"


def describe(estimate: Estimate, metric: Metric = METRICS["accuracy"]) -> str:
    """``93.40 % (92.90 to 93.87, Wilson score, 95 %, n = 10,000)``, or of a metric that is not in
    percent ``0.1820 (0.1750 to 0.1890, …)``.
    """
    return (
        f"{metric.text(estimate.value)} ({metric.span(estimate.low, estimate.high)}, "
        f"{estimate.method}, n = {estimate.n:,})"
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
    by_name = {m.name: _aggregate(m, scores, draws[:, i]) for i, m in enumerate(aggregates)}
    for metric in metrics:
        if metric.name == "ece":
            interval = ece_distribution(scores, resamples=resamples).interval()
            by_name["ece"] = interval if groups is None else without_groups(interval)
        elif metric.per_example is not None:
            by_name[metric.name] = _mean(metric, metric.per_example(scores), groups)
    return {metric.name: by_name[metric.name].clip(0, metric.maximum) for metric in metrics}


def _aggregate(metric: Metric, scores: Scores, draws: NDArray[np.float64]) -> Estimate:
    """A metric of all examples together. Where all are right, or all wrong, no resample differs,
    and the bounds are those of the accuracy.
    """
    value, groups = metric.value(scores, None), scores.clusters
    if scores.correct.all() or not scores.correct.any():
        bounds = clusters.proportion(scores.correct, groups)
        return replace(bounds, value=value, method=f"{bounds.method}, of the accuracy")
    return percentile(value, draws, len(scores), clusters=groups)


def _mean(
    metric: Metric,
    values: NDArray[np.bool_] | NDArray[np.float64],
    groups: NDArray[np.int64] | None,
) -> Estimate:
    """A metric that is a mean over examples, of examples or of groups of them."""
    if metric.kind == "proportion":
        return clusters.proportion(values > 0, groups)
    return clusters.mean(values, groups)


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
    scores = Scores(predictions)
    possible = [m for m in METRICS.values() if not (m.needs_probabilities and predictions.hard)]
    found = estimates(possible, scores, resamples=resamples)
    missing = tuple(name for name in METRICS if name not in found)
    return Evaluation(
        found,
        class_scores(predictions.class_names, scores),
        confusion_of(predictions),
        missing,
        predictions.temperature,
    )


def confusion_of(predictions: Predictions) -> NDArray[np.int64] | None:
    """The confusion matrix, int64 [K, K]; None with more than ``MAX_CONFUSION_CLASSES`` classes."""
    classes = len(predictions.class_names)
    if classes > MAX_CONFUSION_CLASSES:
        return None
    return confusion_matrix(predictions.labels, predictions.predicted, classes)


def class_scores(names: tuple[str, ...], scores: Scores) -> tuple[ClassScore, ...]:
    """The metrics of each class with their intervals, in label order."""
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
