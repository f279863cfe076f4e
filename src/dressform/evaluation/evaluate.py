"""`evaluate`: predictions to the numbers that a person asks for first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.evaluation.intervals import Estimate, wilson
from dressform.evaluation.metrics import confusion_matrix, precision_recall_f1
from dressform.predictions import Predictions


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised.

    Attributes:
        label: its name.
        precision: share of right ones among those predicted as this class, 0..1.
        recall: share of this class that was found, 0..1.
        f1: harmonic mean of the two.
        support: examples of this class.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The judgement of one set of predictions.

    Attributes:
        accuracy: with its interval.
        per_class: a row per class, in label order.
        confusion: int64 [K, K], rows true, columns predicted.
    """

    accuracy: Estimate
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """The document that ``dressform evaluate --json`` prints."""
        return {
            "accuracy": self.accuracy.value,
            "low": self.accuracy.low,
            "high": self.accuracy.high,
            "method": self.accuracy.method,
            "n": self.accuracy.n,
            "per_class": [vars(score) for score in self.per_class],
            "confusion": self.confusion.tolist(),
        }

    def report(self) -> str:
        """The classification report as text: a row per class, averages, and accuracy with its interval."""
        wide = max(len("weighted average"), *(len(score.label) for score in self.per_class))
        lines = [f"{'':{wide}}  precision  recall      F1  support"]
        for s in self.per_class:
            lines.append(f"{s.label:{wide}}  {s.precision:9.4f}  {s.recall:6.4f}  {s.f1:6.4f}  {s.support:7d}")
        table = np.array([[s.precision, s.recall, s.f1] for s in self.per_class])
        weights = np.array([s.support for s in self.per_class], dtype=np.float64)
        averages = (("macro average", table.mean(axis=0)), ("weighted average", weights @ table / weights.sum()))
        lines.append("")
        lines += [f"{name:{wide}}  {p:9.4f}  {r:6.4f}  {f:6.4f}  {self.accuracy.n:7d}" for name, (p, r, f) in averages]
        return "\n".join([*lines, "", f"accuracy {describe(self.accuracy)}"]) + "\n"


def describe(estimate: Estimate) -> str:
    """``93.40 % (92.90 to 93.87, Wilson score, 95%, n = 10000)``."""
    return (
        f"{100 * estimate.value:.2f} % ({100 * estimate.low:.2f} to {100 * estimate.high:.2f}, {estimate.method}, n = {estimate.n})"
    )


def evaluate(predictions: Predictions) -> Evaluation:
    """Judge predictions: accuracy with Wilson's 95 % interval, scores per class, confusion matrix."""
    confusion = confusion_matrix(predictions.labels, predictions.predicted, len(predictions.class_names))
    precision, recall, f1 = precision_recall_f1(confusion)
    rows = zip(
        predictions.class_names, precision.tolist(), recall.tolist(), f1.tolist(), confusion.sum(axis=1).tolist(), strict=True
    )
    per_class = tuple(ClassScore(*row) for row in rows)
    return Evaluation(wilson(int(np.trace(confusion)), len(predictions)), per_class, confusion)
