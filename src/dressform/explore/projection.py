"""Many numbers per picture become two or three: PCA, t-SNE and UMAP, by well-kept libraries, the
same picture for the same seed.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.explore.neighbours import Neighbours, nearest

COMPONENTS = 10
"""Principal components that are kept."""
EXACT = 1500
NEAREST = 15
"""Neighbours whose affinity t-SNE and UMAP use."""
FEWEST = 50
"""Examples that a projection needs."""


@dataclass(frozen=True, eq=False)
class Projection:
    """A place for each example.

    Attributes:
        name: ``pca``, ``tsne`` or ``umap``.
        places: float32 [N, D].
        explained: float64 [D], of PCA: the share of the variance along each component; else empty.
    """

    name: str
    places: NDArray[np.float32]
    explained: NDArray[np.float64]


def pca(values: NDArray[np.float32], components: int = COMPONENTS) -> Projection:
    """Principal components, largest variance first; each axis turned so that its largest loading is
    positive.

    Exact up to ``EXACT`` rows or columns, else by random projections (Halko, Martinsson and Tropp
    2011, SIAM Review 53:217), always the same.

    Args:
        values: [N, D].
        components: how many; at most min(N, D).
    """
    count = min(components, *values.shape)
    if min(values.shape) <= EXACT:
        centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
        # then the products of rows have the same variances, and are fewer
        wide = values.shape[1] > len(values)
        found, vectors = np.linalg.eigh(
            (centred @ centred.T if wide else centred.T @ centred) / len(values)
        )
        order = np.argsort(-found, kind="stable")[:count]
        variances, axes = np.maximum(found[order], 0), vectors[:, order]
        if wide:
            axes = centred.T @ axes
            axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-30)
    else:
        from sklearn.utils.extmath import randomized_svd

        centred = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
        _, lengths, rows = randomized_svd(centred, count, n_iter=6, random_state=0, flip_sign=False)
        variances, axes = lengths.astype(np.float64) ** 2 / len(values), rows.T.astype(np.float64)
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    total = max(
        float(np.einsum("nd,nd->", centred, centred, dtype=np.float64)) / len(values), 1e-30
    )
    return Projection("pca", (centred @ axes).astype(np.float32), variances / total)


def own_neighbours(
    values: NDArray[np.float32],
    k: int = NEAREST,
    *,
    progress: Callable[[int], object] = lambda done: None,
) -> Neighbours:
    """The k nearest others of each row, Euclidean, exact."""
    return nearest(
        values, values, k, metric="euclidean", itself=np.arange(len(values)), progress=progress
    )


def tsne(
    values: NDArray[np.float32],
    neighbours: Neighbours,
    *,
    dimensions: int = 2,
    seed: int = 0,
    progress: Callable[[int], object] = lambda done: None,
) -> Projection:
    """t-SNE (van der Maaten and Hinton 2008, JMLR 9:2579).

    In two dimensions openTSNE's: interpolated forces, affinities uniform over the neighbours (which
    gives nearly the same picture as a perplexity of 30 in a fraction of the time: Böhm, Berens and
    Kobak 2022, JMLR 23:95), start from the first principal components, early exaggeration 12, rate
    N / 12. In three, scikit-learn's Barnes-Hut.

    Args:
        values: [N, D].
        neighbours: of each row, see :func:`own_neighbours`.
        dimensions: 2 or 3.
        seed: of the tie-breaking noise around the start.
        progress: called with the number of steps done, of 750.

    Raises:
        ConfigError: too few examples, or other dimensions.
    """
    _check(len(values), dimensions)
    start = pca(values, dimensions).places.astype(np.float64)
    start /= max(float(start[:, 0].std()), 1e-12) * 1e4
    start += np.random.default_rng(seed).normal(0, 1e-6, start.shape)  # equal pictures may part
    if dimensions == 3:
        from sklearn.manifold import TSNE

        found = TSNE(
            3, init=(start * 1).astype(np.float32), random_state=seed, n_jobs=-1
        ).fit_transform(values)
        return Projection("tsne", np.asarray(found, dtype=np.float32), np.empty(0))
    from openTSNE import TSNEEmbedding, affinity, nearest_neighbors

    index = nearest_neighbors.PrecomputedNeighbors(
        neighbours.indices.astype(np.int64), neighbours.distances.astype(np.float64)
    )
    affinities = affinity.Uniform(knn_index=index, k_neighbors=neighbours.indices.shape[1])

    def step(iteration: int, error: float, embedding: Any) -> None:
        progress(done + iteration)

    options = {"inplace": True, "callbacks": step, "callbacks_every_iters": 50}
    embedding = TSNEEmbedding(
        start, affinities, negative_gradient_method="fft" if len(values) > 3000 else "bh", n_jobs=-1
    )
    done = 0
    embedding.optimize(250, exaggeration=12, momentum=0.5, **options)
    done = 250
    embedding.optimize(500, momentum=0.8, **options)
    return Projection("tsne", np.asarray(embedding, dtype=np.float32), np.empty(0))


def umap(
    values: NDArray[np.float32], neighbours: Neighbours, *, dimensions: int = 2, seed: int = 0
) -> Projection:
    """UMAP (McInnes, Healy and Melville 2018, https://arxiv.org/abs/1802.03426), by umap-learn.

    Args:
        values: [N, D].
        neighbours: of each row, see :func:`own_neighbours`.
        dimensions: 2 or 3.
        seed: with a fixed one umap-learn uses one core, and gives the same picture.

    Raises:
        ConfigError: too few examples, or other dimensions.
        ImportError: umap-learn, an extra, is not installed.
    """
    _check(len(values), dimensions)
    from umap import UMAP

    own = np.arange(len(values))[:, None]
    # umap-learn counts a point as its own first neighbour
    indices = np.hstack([own, neighbours.indices]).astype(np.int64)
    distances = np.hstack([np.zeros((len(values), 1), np.float32), neighbours.distances])
    model = UMAP(
        n_neighbors=indices.shape[1],
        n_components=dimensions,
        random_state=seed,
        n_jobs=1,
        init=pca(values, dimensions).places,
        precomputed_knn=(indices, distances),
    )
    with _same_threads(), warnings.catch_warnings():
        # that is for new examples only
        warnings.filterwarnings("ignore", "precomputed_knn.*not an NNDescent object")
        found = model.fit_transform(values)
    return Projection("umap", np.asarray(found, dtype=np.float32), np.empty(0))


def preservation(neighbours: Neighbours, places: NDArray[np.float32], k: int = 10) -> float:
    """The share, 0..1, of each example's k nearest others that are among its k nearest in a
    projection, too, on average.

    Args:
        neighbours: of the examples in all dimensions, k or more, nearest first.
        places: [N, D] of the projection.
        k: how many.
    """
    shown = own_neighbours(places, k).indices
    kept = (neighbours.indices[:, :k, None] == shown[:, None, :]).any(axis=2)
    return float(kept.mean())


@contextlib.contextmanager
def _same_threads() -> Iterator[None]:
    """numba sets the number of threads of every library in the process that uses OpenMP, torch
    included: set it back.
    """
    from threadpoolctl import ThreadpoolController

    before = [(library, library.num_threads) for library in ThreadpoolController().lib_controllers]
    try:
        yield
    finally:
        for library, threads in before:
            library.set_num_threads(threads)


def _check(n: int, dimensions: int) -> None:
    if dimensions not in (2, 3):
        raise ConfigError(f"dimensions are {dimensions}; allowed: 2, 3")
    if n < FEWEST:
        raise ConfigError(f"{n} examples are too few for a projection; give {FEWEST} or more")
