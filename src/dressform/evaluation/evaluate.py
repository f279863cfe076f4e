"""`evaluate`: predictions to the numbers that a person asks for first, each with its interval."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.text import one_line
from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.intervals import (
    RESAMPLES,
    Estimate,
    percentile,
    resample,
    student,
    wilson,
    wilson_f1,
)
from dressform.evaluation.metrics import METRICS, Metric, Scores, confusion_matrix
from dressform.predictions import Predictions

MOST_CLASSES = 1000
"""Of which a confusion matrix is made: it has a million cells."""


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised.

    Attributes:
        label: its name.
        precision: share of right ones among those predicted as this class, Wilson interval.
        recall: share of this class that was found, Wilson interval.
        f1: harmonic mean of the two, Wilson interval for F1.
        support: examples of this class.
    """

    label: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int

    def to_json(self) -> dict[str, Any]:
        """Values by name, and the ends of their intervals."""
        scores = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {
            "label": self.label,
            **{name: score.value for name, score in scores.items()},
            "support": self.support,
            "intervals": {name: [score.low, score.high] for name, score in scores.items()},
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The judgement of one set of predictions.

    Attributes:
        estimates: by metric name; ``accuracy`` first.
        per_class: a row per class, in label order.
        confusion: int64 [K, K], rows true, columns predicted; None for more than ``MOST_CLASSES``
            classes.
    """

    estimates: dict[str, Estimate]
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64] | None

    @property
    def accuracy(self) -> Estimate:
        """Share of right predictions."""
        return self.estimates["accuracy"]

    def to_json(self) -> dict[str, Any]:
        """The document that ``dressform evaluate --json`` prints."""
        return {
            "accuracy": self.accuracy.value,
            "low": self.accuracy.low,
            "high": self.accuracy.high,
            "method": self.accuracy.method,
            "n": self.accuracy.n,
            "estimates": {name: e.to_json() for name, e in self.estimates.items()},
            "per_class": [score.to_json() for score in self.per_class],
            "confusion": None if self.confusion is None else self.confusion.tolist(),
        }

    def report(self) -> str:
        """The classification report as text: a row per class, averages, and every score with its
        interval.
        """
        names = [one_line(score.label) for score in self.per_class]
        wide = max(len("weighted average"), *map(len, names))
        lines = [f"{'':{wide}}  precision  recall      F1  support  recall, 95 %"]
        for name, s in zip(names, self.per_class, strict=True):
            numbers = (
                f"{s.precision.value:9.4f}  {s.recall.value:6.4f}  {s.f1.value:6.4f}  "
                f"{s.support:7d}"
            )
            between = f"{s.recall.low:.4f} to {s.recall.high:.4f}" if s.support else "-"
            lines.append(f"{name:{wide}}  {numbers}  {between}")
        table = np.array([[s.precision.value, s.recall.value, s.f1.value] for s in self.per_class])
        weights = np.array([s.support for s in self.per_class], dtype=np.float64)
        averages = (
            ("macro average", table.mean(axis=0)),
            ("weighted average", weights @ table / weights.sum()),
        )
        lines.append("")
        lines += [
            f"{name:{wide}}  {p:9.4f}  {r:6.4f}  {f:6.4f}  {self.accuracy.n:7d}"
            for name, (p, r, f) in averages
        ]
        lines.append("")
        for name, found in self.estimates.items():
            lines.append(
                f"{METRICS[name].title:{wide}}  {describe(found, share=METRICS[name].percent)}"
            )
        return "\n".join(lines) + "\n"


def describe(found: Estimate, *, share: bool = True) -> str:
    """``93.40 % (92.90 to 93.87, Wilson score, 95%, n = 10000)``; without ``share`` ``0.1820
    (0.1750 to 0.1890, …)``.
    """
    if share:
        return (
            f"{100 * found.value:.2f} % ({100 * found.low:.2f} to {100 * found.high:.2f}, "
            f"{found.method}, n = {found.n})"
        )
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f}, {found.method}, n = {found.n})"


def estimate(metric: Metric, predictions: Predictions, *, resamples: int = RESAMPLES) -> Estimate:
    """One score with the interval that suits it.

    Shares of examples have Wilson's, means over examples Student's t; balanced accuracy and
    macro-F1 are resampled (percentile bootstrap), and ECE, which chance makes too high, has the
    values that a parametric bootstrap does not reject.
    """
    return estimates([metric], Scores(predictions), resamples=resamples)[metric.name]


def estimates(
    metrics: Iterable[Metric], scores: Scores, *, resamples: int = RESAMPLES
) -> dict[str, Estimate]:
    """Several scores with their intervals, by name, in the order asked for; resamples are drawn
    once for all of them.
    """
    metrics = list(metrics)
    tables = [metric for metric in metrics if metric.per_example is None and metric.name != "ece"]
    weighted = resample(len(scores), resamples=resamples) if tables else ()
    drawn = np.array([[metric.value(scores, weights) for metric in tables] for weights in weighted])
    found = {
        m.name: percentile(m.value(scores, None), drawn[:, i], len(scores))
        for i, m in enumerate(tables)
    }
    for metric in metrics:
        if metric.name == "ece":
            found["ece"] = ece_distribution(scores, resamples=resamples).interval()
        elif metric.per_example is not None:
            values = metric.per_example(scores)
            found[metric.name] = (
                wilson(int(values.sum()), len(scores))
                if metric.kind == "share"
                else student(values)
            )
    return {metric.name: found[metric.name].within(0, metric.most) for metric in metrics}


def evaluate(predictions: Predictions, *, resamples: int = RESAMPLES) -> Evaluation:
    """Judge predictions: every metric with its 95 % interval, scores per class, confusion
    matrix.
    """
    scores, classes = Scores(predictions), len(predictions.class_names)
    found = estimates(METRICS.values(), scores, resamples=resamples)
    confusion = (
        confusion_matrix(predictions.labels, predictions.predicted, classes)
        if classes <= MOST_CLASSES
        else None
    )
    return Evaluation(found, _per_class(predictions.class_names, scores), confusion)


def _per_class(names: tuple[str, ...], scores: Scores) -> tuple[ClassScore, ...]:
    rows = []
    for label, *counts in zip(names, *scores.margins(), strict=True):
        hits, true, claimed = map(int, counts)
        f1 = wilson_f1(hits, true + claimed - 2 * hits) if true + claimed else _NOTHING
        rows.append(ClassScore(label, _share(hits, claimed), _share(hits, true), f1, true))
    return tuple(rows)


_NOTHING = Estimate(0.0, 0.0, 1.0, "no examples", 0)


def _share(successes: int, n: int) -> Estimate:
    """Wilson's interval; 0 with nothing known where there are no examples, as in scikit-learn."""
    return wilson(successes, n) if n else _NOTHING
