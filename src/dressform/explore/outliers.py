"""Pictures that are like no other of their dataset."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.explore.neighbours import nearest
from dressform.explore.projection import pca

NEAREST = 5
COMPONENTS = 64


@dataclass(frozen=True, eq=False)
class Outliers:
    """How far each example is from its nearest others.

    Attributes:
        score: float64 [N], the mean distance to the nearest five of its class, divided by the
            median of that over the class; about 1 for most.
        order: int64 [N], positions, farthest first.
    """

    score: NDArray[np.float64]
    order: NDArray[np.int64]


def find_outliers(values: NDArray[np.float32], labels: NDArray[np.int64]) -> Outliers:
    """Score every example by its distance to its nearest others (Ramaswamy, Rastogi and Shim 2000,
    SIGMOD), class by class.

    Args:
        values: float32 [N, D], features or pixels; more than ``COMPONENTS`` columns are reduced to
            principal components.
        labels: int64 [N].
    """
    reduced = pca(values, COMPONENTS).places if values.shape[1] > COMPONENTS else values
    score = np.ones(len(values))
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if len(own) <= NEAREST:
            continue
        part = np.ascontiguousarray(reduced[own])
        far = nearest(
            part, part, NEAREST, metric="euclidean", itself=np.arange(len(own))
        ).distances.mean(axis=1)
        usual = float(np.median(far))
        score[own] = far / usual if usual > 0 else 1.0
    return Outliers(score, np.argsort(-score, kind="stable").astype(np.int64))
