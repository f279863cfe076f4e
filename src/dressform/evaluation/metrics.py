"""Counts and scores from labels and predicted classes."""

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How often class i was taken for class j.

    Args:
        labels: int64 [N], 0..classes-1.
        predicted: int64 [N], 0..classes-1.
        classes: K.

    Returns:
        int64 [K, K], rows true, columns predicted.
    """
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def precision_recall_f1(
    confusion: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and F1 of each class, float64 [K]; 0 where the denominator is 0, as in scikit-learn.

    Args:
        confusion: int64 [K, K], rows true, columns predicted.
    """
    hits = np.diag(confusion).astype(np.float64)
    precision = _ratio(hits, confusion.sum(axis=0))
    recall = _ratio(hits, confusion.sum(axis=1))
    return precision, recall, _ratio(2 * hits, confusion.sum(axis=0) + confusion.sum(axis=1))


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
