"""Exact nearest neighbours by batched matrix products."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError

Metric = Literal["cosine", "euclidean"]
BATCH_SIZE = 256
"""Queries per batch; their products with 70,000 references take about 70 MB."""
STRIDES = 64
"""Each row of products is first reduced to the maxima of groups of 64; the k best are in the k
groups with the largest maxima.
"""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest examples of each query, nearest first.

    Attributes:
        indices: int32 [M, k], indices in the reference.
        distances: float32 [M, k], cosine distance (0..2) or Euclidean distance.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]


def unit_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row divided by its length; rows of zeros stay zeros."""
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length == 0, 1, length), dtype=np.float32)


def nearest(
    queries: NDArray[np.float32],
    reference: NDArray[np.float32],
    k: int,
    *,
    metric: Metric = "cosine",
    exclude: NDArray[np.integer] | None = None,
) -> Neighbours:
    """The k nearest rows of ``reference`` for each row of ``queries``; ties for the last place are
    broken arbitrarily.

    Args:
        queries: [M, D].
        reference: [N, D].
        k: number of neighbours; at most N, or N - 1 with ``exclude``.
        metric: ``cosine`` or ``euclidean``.
        exclude: int [M], for each query an index in the reference to leave out, such as its own; -1
            for none.

    Raises:
        ConfigError: k out of range.
    """
    n = len(reference)
    maximum = n - (exclude is not None)
    if not 1 <= k <= maximum:
        raise ConfigError(
            f"{k} neighbours were requested among {n} examples; allowed: 1 to {maximum}"
        )
    if metric == "cosine":
        queries, reference = unit_rows(queries), unit_rows(reference)
        half_norms = None
    else:
        # preserves distances, and keeps squares small for precision
        centre = reference.mean(axis=0)
        queries, reference = queries - centre, reference - centre
        half_norms = np.einsum("nd,nd->n", reference, reference) / 2
    strides = STRIDES if n > 8 * STRIDES * k else 1
    columns = -(-n // strides)
    indices, distances = (
        np.empty((len(queries), k), np.int32),
        np.empty((len(queries), k), np.float32),
    )
    buffer = np.full((BATCH_SIZE, strides * columns), -np.inf, np.float32)
    for start in range(0, len(queries), BATCH_SIZE):
        batch = queries[start : start + BATCH_SIZE]
        rows = np.arange(len(batch))
        scores = buffer[: len(batch)]
        np.matmul(batch, reference.T, out=scores[:, :n])
        if half_norms is not None:
            scores[:, :n] -= half_norms
        if exclude is not None:
            excluded = exclude[start : start + BATCH_SIZE]
            scores[rows[excluded >= 0], excluded[excluded >= 0]] = -np.inf
        candidates = _candidates(scores, strides, columns, k)
        candidate_scores = np.take_along_axis(scores, candidates, axis=1)
        order = np.lexsort((candidates, -candidate_scores))[:, :k]
        best = np.take_along_axis(candidates, order, axis=1)
        indices[start : start + BATCH_SIZE] = best
        best_scores = np.take_along_axis(candidate_scores, order, axis=1)
        if half_norms is None:
            distances[start : start + BATCH_SIZE] = np.clip(1 - best_scores, 0, 2)
        else:
            squares = np.einsum("nd,nd->n", batch, batch)[:, None] - 2 * best_scores
            distances[start : start + BATCH_SIZE] = np.sqrt(np.clip(squares, 0, None))
    return Neighbours(indices, distances)


def _candidates(
    scores: NDArray[np.float32], strides: int, columns: int, k: int
) -> NDArray[np.int64]:
    """Columns [B, C] that include the k largest of each row [B, strides * columns]."""
    if strides == 1:
        indices: NDArray[np.int64] = np.argpartition(scores, -k, axis=1)[:, -k:]
        return indices
    thinned = scores.reshape(len(scores), strides, columns).max(axis=1)
    chosen = np.argpartition(thinned, -k, axis=1)[:, -k:]
    members = chosen[:, None, :] + columns * np.arange(strides)[None, :, None]
    return np.asarray(members.reshape(len(scores), -1), dtype=np.int64)
