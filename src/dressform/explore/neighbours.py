"""Nearest neighbours, exact, by blocks of matrix products."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError

Metric = Literal["cosine", "euclidean"]
ROWS = 256
"""Queries at once: a block of products of 70,000 floats each stays near 70 MB."""
STRIDES = 64
"""A row of products is first thinned to the largest of each 64: the k best lie under the k largest
of those.
"""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest examples of each query, nearest first.

    Attributes:
        indices: int32 [M, k], positions in the reference.
        distances: float32 [M, k], 1 - cosine (0..2), or Euclidean.
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
    itself: NDArray[np.integer] | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> Neighbours:
    """The k nearest rows of ``reference`` for each row of ``queries``; of those equally far at the
    end any.

    Args:
        queries: [M, D].
        reference: [N, D].
        k: how many; at most N, less one where ``itself`` is given.
        metric: ``cosine`` or ``euclidean``.
        itself: int [M], the position of each query in the reference, which is left out; -1 for
            none.
        progress: called with the number of queries done.

    Raises:
        ConfigError: k out of range.
    """
    n = len(reference)
    most = n - (itself is not None)
    if not 1 <= k <= most:
        raise ConfigError(f"{k} neighbours were asked of {n} examples; allowed: 1 to {most}")
    if metric == "cosine":
        queries, reference = unit_rows(queries), unit_rows(reference)
        lengths = None
    else:
        centre = reference.mean(axis=0)  # distances keep; squares of large numbers would not
        queries, reference = queries - centre, reference - centre
        lengths = np.einsum("nd,nd->n", reference, reference) / 2
    strides = STRIDES if n > 8 * STRIDES * k else 1
    columns = -(-n // strides)
    indices, distances = (
        np.empty((len(queries), k), np.int32),
        np.empty((len(queries), k), np.float32),
    )
    products = np.full((ROWS, strides * columns), -np.inf, np.float32)
    for start in range(0, len(queries), ROWS):
        block = queries[start : start + ROWS]
        rows = np.arange(len(block))
        scores = products[: len(block)]
        np.matmul(block, reference.T, out=scores[:, :n])
        if lengths is not None:
            scores[:, :n] -= lengths
        if itself is not None:
            own = itself[start : start + ROWS]
            scores[rows[own >= 0], own[own >= 0]] = -np.inf
        candidates = _candidates(scores, strides, columns, k)
        values = np.take_along_axis(scores, candidates, axis=1)
        order = np.lexsort((candidates, -values))[:, :k]
        best = np.take_along_axis(candidates, order, axis=1)
        indices[start : start + ROWS] = best
        score = np.take_along_axis(values, order, axis=1)
        if lengths is None:
            distances[start : start + ROWS] = np.clip(1 - score, 0, 2)
        else:
            squares = np.einsum("nd,nd->n", block, block)[:, None] - 2 * score
            distances[start : start + ROWS] = np.sqrt(np.clip(squares, 0, None))
        progress(min(start + ROWS, len(queries)))
    return Neighbours(indices, distances)


def _candidates(
    scores: NDArray[np.float32], strides: int, columns: int, k: int
) -> NDArray[np.int64]:
    """Columns [B, C] among which the k largest of each row [B, strides * columns] are."""
    if strides == 1:
        found: NDArray[np.int64] = np.argpartition(scores, -k, axis=1)[:, -k:]
        return found
    thinned = scores.reshape(len(scores), strides, columns).max(axis=1)
    chosen = np.argpartition(thinned, -k, axis=1)[:, -k:]
    under = chosen[:, None, :] + columns * np.arange(strides)[None, :, None]
    return np.asarray(under.reshape(len(scores), -1), dtype=np.int64)
