"""Likely label errors by confident learning, from out-of-sample predictions.

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels",
JAIR 70.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dressform.predictions import Predictions


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Label quality according to the predictions.

    Attributes:
        quality: float64 [N], probability of the given label, 0..1; low values are suspect.
        suspect: bool [N].
        suggested: int64 [N], the most likely class.
        confident_joint: int64 [K, K], examples by given label and confidently predicted class.
    """

    quality: NDArray[np.float64]
    suspect: NDArray[np.bool_]
    suggested: NDArray[np.int64]
    confident_joint: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "LabelIssues":
        """Those of some examples, judged among all."""
        return replace(
            self,
            quality=self.quality[rows],
            suspect=self.suspect[rows],
            suggested=self.suggested[rows],
        )

    def worst_first(self) -> NDArray[np.int64]:
        """Indices of the suspects, int64, lowest quality first."""
        order = np.argsort(self.quality, kind="stable")
        return np.asarray(order[self.suspect[order]], dtype=np.int64)


def find_label_issues(predictions: Predictions) -> LabelIssues:
    """Find likely label errors: as many as the model confidently contradicts, those with the lowest
    quality.

    How many: an example counts if its most likely class differs from its label and has at least the
    mean probability of that class over the examples labelled with it (the off-diagonal of the
    confident joint). These thresholds per class make the number robust against classes that a model
    is never sure of. Which: of the examples whose most likely class differs from their label, those
    whose label has the lowest probability; with 5 % of Fashion-MNIST's labels flipped, these are
    flipped far more often than the counted ones (docs/log.md).

    Args:
        predictions: of examples that the model was not trained on: a test split, or the out-of-fold
            predictions of a cross-validation.
    """
    probabilities, labels = predictions.probabilities, predictions.labels
    rows, classes = np.arange(len(labels)), probabilities.shape[1]
    quality = probabilities[rows, labels]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=quality, minlength=classes)
    # a class without examples never counts as confident
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), 2.0)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    confident_class = confident.argmax(axis=1)
    is_confident = confident[rows, confident_class] >= 0
    confident_joint = np.zeros((classes, classes), np.int64)
    np.add.at(confident_joint, (labels[is_confident], confident_class[is_confident]), 1)
    contradicted = predictions.predicted != labels
    n_issues = int(
        (
            is_confident & (confident_class != labels) & (confident_class == predictions.predicted)
        ).sum()
    )
    order = np.argsort(np.where(contradicted, quality, np.inf), kind="stable")
    suspect = np.zeros(len(labels), bool)
    suspect[order[:n_issues]] = True
    return LabelIssues(quality, suspect, predictions.predicted, confident_joint)
