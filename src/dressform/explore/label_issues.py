"""Which labels are likely wrong? Confident learning, from predictions of models that did not learn
from the labels they judge.

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels",
JAIR 70.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.predictions import Predictions


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """What the predictions say about the labels.

    Attributes:
        quality: float64 [N], probability of the given label, 0..1; low is suspect.
        suspect: bool [N].
        suggested: int64 [N], the most likely class.
        joint: int64 [K, K], examples by given label and class that the model is sure of.
    """

    quality: NDArray[np.float64]
    suspect: NDArray[np.bool_]
    suggested: NDArray[np.int64]
    joint: NDArray[np.int64]

    def worst_first(self) -> NDArray[np.int64]:
        """Positions of the suspects, int64, lowest quality first."""
        order = np.argsort(self.quality, kind="stable")
        return np.asarray(order[self.suspect[order]], dtype=np.int64)


def find_label_issues(predictions: Predictions) -> LabelIssues:
    """Find the labels that are likely wrong: as many as the model contradicts confidently, those
    that it believes least.

    How many: an example counts where its most likely class is another than its label and has a
    probability of at least the mean probability that the model gives to that class where it is the
    label (the off-diagonal of the confident joint). That mean, taken class by class, is what makes
    the number robust against classes that a model is never sure of. Which: among the examples whose
    most likely class is another than their label, those whose label has the lowest probability;
    with 5 % of Fashion-MNIST's labels flipped these are far more often the flipped ones than those
    that were counted (docs/log.md).

    Args:
        predictions: of examples that the model did not learn from: a test split, or the out-of-fold
            predictions of a cross-validation.
    """
    probabilities, labels = predictions.probabilities, predictions.labels
    rows, classes = np.arange(len(labels)), probabilities.shape[1]
    quality = probabilities[rows, labels]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=quality, minlength=classes)
    # a class without examples accuses no other
    usual = np.where(counts > 0, sums / np.maximum(counts, 1), 2.0)
    above = np.where(probabilities >= usual, probabilities, -1.0)
    sure = above.argmax(axis=1)
    counted = above[rows, sure] >= 0
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[counted], sure[counted]), 1)
    contradicted = predictions.predicted != labels
    number = int((counted & (sure != labels) & (sure == predictions.predicted)).sum())
    order = np.argsort(np.where(contradicted, quality, np.inf), kind="stable")
    suspect = np.zeros(len(labels), bool)
    suspect[order[:number]] = True
    return LabelIssues(quality, suspect, predictions.predicted, joint)
