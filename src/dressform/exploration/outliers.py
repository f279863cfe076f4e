"""Outliers: images far from all others of their class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.exploration.neighbours import nearest
from dressform.exploration.projection import pca

N_NEIGHBOURS = 5
N_COMPONENTS = 64


@dataclass(frozen=True, eq=False)
class Outliers:
    """Outlier scores by nearest-neighbour distance.

    Attributes:
        score: float64 [N], mean distance to the five nearest neighbours of the same class, relative
            to the median over the class; about 1 for most.
        order: int64 [N], indices, highest score first.
    """

    score: NDArray[np.float64]
    order: NDArray[np.int64]


def find_outliers(values: NDArray[np.float32], labels: NDArray[np.int64]) -> Outliers:
    """Score every example by its distance to its nearest neighbours (Ramaswamy, Rastogi and Shim
    2000, SIGMOD), class by class.

    Args:
        values: float32 [N, D], features or pixels; more than ``N_COMPONENTS`` columns are reduced
            to principal components.
        labels: int64 [N].
    """
    reduced = pca(values, N_COMPONENTS).embedding if values.shape[1] > N_COMPONENTS else values
    score = np.ones(len(values))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) <= N_NEIGHBOURS:
            continue
        class_values = np.ascontiguousarray(reduced[members])
        distance = nearest(
            class_values,
            class_values,
            N_NEIGHBOURS,
            metric="euclidean",
            exclude=np.arange(len(members)),
        ).distances.mean(axis=1)
        median = float(np.median(distance))
        score[members] = distance / median if median > 0 else 1.0
    return Outliers(score, np.argsort(-score, kind="stable").astype(np.int64))
