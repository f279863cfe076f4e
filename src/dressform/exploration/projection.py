"""Projections to two or three dimensions: PCA, t-SNE and UMAP, by established libraries,
reproducible for a given seed.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.exploration.neighbours import Neighbours, nearest

N_COMPONENTS = 10
"""Default number of principal components."""
MAX_EXACT_SIZE = 1500
N_NEIGHBOURS = 15
"""Neighbours per example that t-SNE and UMAP use."""
MAX_SCORED = 2000
"""Examples by which a projection is scored; the standard error of the mean is then below 0.01."""
MIN_EXAMPLES = 50
"""Minimum number of examples for a projection."""


@dataclass(frozen=True, eq=False)
class Projection:
    """A low-dimensional embedding of examples.

    Attributes:
        name: ``pca``, ``tsne`` or ``umap``.
        embedding: float32 [N, D].
        explained: float64 [D], for PCA: the fraction of variance explained by each component; else
            empty.
    """

    name: str
    embedding: NDArray[np.float32]
    explained: NDArray[np.float64]


def pca(values: NDArray[np.float32], components: int = N_COMPONENTS) -> Projection:
    """Principal components, largest variance first; the largest loading of each is positive.

    Exact up to ``MAX_EXACT_SIZE`` rows or columns, else by randomized SVD (Halko, Martinsson and
    Tropp 2011, SIAM Review 53:217) with a fixed seed.

    Args:
        values: [N, D].
        components: how many; at most min(N, D).
    """
    n_components = min(components, *values.shape)
    if min(values.shape) <= MAX_EXACT_SIZE:
        centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
        # the Gram matrix has the same eigenvalues and is smaller
        use_gram = values.shape[1] > len(values)
        eigenvalues, vectors = np.linalg.eigh(
            (centred @ centred.T if use_gram else centred.T @ centred) / len(values)
        )
        order = np.argsort(-eigenvalues, kind="stable")[:n_components]
        variances, axes = np.maximum(eigenvalues[order], 0), vectors[:, order]
        if use_gram:
            axes = centred.T @ axes
            axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-30)
    else:
        from sklearn.utils.extmath import randomized_svd

        centred = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
        _, singular_values, rows = randomized_svd(
            centred, n_components, n_iter=6, random_state=0, flip_sign=False
        )
        variances, axes = (
            singular_values.astype(np.float64) ** 2 / len(values),
            rows.T.astype(np.float64),
        )
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    total = max(
        float(np.einsum("nd,nd->", centred, centred, dtype=np.float64)) / len(values), 1e-30
    )
    return Projection("pca", (centred @ axes).astype(np.float32), variances / total)


def neighbours_within(
    values: NDArray[np.float32],
    k: int = N_NEIGHBOURS,
) -> Neighbours:
    """The k nearest other rows of each row, Euclidean, exact."""
    return nearest(values, values, k, metric="euclidean", exclude=np.arange(len(values)))


def tsne(
    values: NDArray[np.float32],
    neighbours: Neighbours,
    *,
    dimensions: int = 2,
    seed: int = 0,
) -> Projection:
    """t-SNE (van der Maaten and Hinton 2008, JMLR 9:2579).

    In two dimensions by openTSNE: interpolation-based forces, uniform affinities over the
    neighbours (nearly the same result as a perplexity of 30 in a fraction of the time: Böhm, Berens
    and Kobak 2022, JMLR 23:95), PCA initialisation, early exaggeration 12, learning rate N / 12. In
    three by scikit-learn's Barnes-Hut.

    Args:
        values: [N, D].
        neighbours: of each row, see :func:`neighbours_within`.
        dimensions: 2 or 3.
        seed: of the tie-breaking noise in the initialisation.

    Raises:
        ConfigError: too few examples, or other dimensions.
    """
    _check(len(values), dimensions)
    start = pca(values, dimensions).embedding.astype(np.float64)
    start /= max(float(start[:, 0].std()), 1e-12) * 1e4
    # so that equal examples can separate
    start += np.random.default_rng(seed).normal(0, 1e-6, start.shape)
    if dimensions == 3:
        from sklearn.manifold import TSNE

        result = TSNE(
            3, init=(start * 1).astype(np.float32), random_state=seed, n_jobs=-1
        ).fit_transform(values)
        return Projection("tsne", np.asarray(result, dtype=np.float32), np.empty(0))
    from openTSNE import TSNEEmbedding, affinity, nearest_neighbors

    index = nearest_neighbors.PrecomputedNeighbors(
        neighbours.indices.astype(np.int64), neighbours.distances.astype(np.float64)
    )
    affinities = affinity.Uniform(knn_index=index, k_neighbors=neighbours.indices.shape[1])

    embedding = TSNEEmbedding(
        start, affinities, negative_gradient_method="fft" if len(values) > 3000 else "bh", n_jobs=-1
    )
    embedding.optimize(250, exaggeration=12, momentum=0.5, inplace=True)
    embedding.optimize(500, momentum=0.8, inplace=True)
    return Projection("tsne", np.asarray(embedding, dtype=np.float32), np.empty(0))


def umap(
    values: NDArray[np.float32], neighbours: Neighbours, *, dimensions: int = 2, seed: int = 0
) -> Projection:
    """UMAP (McInnes, Healy and Melville 2018, https://arxiv.org/abs/1802.03426), by umap-learn.

    Args:
        values: [N, D].
        neighbours: of each row, see :func:`neighbours_within`.
        dimensions: 2 or 3.
        seed: a fixed one makes umap-learn reproducible, on one core.

    Raises:
        ConfigError: too few examples, or other dimensions.
        ImportError: umap-learn (an optional dependency) is not installed.
    """
    _check(len(values), dimensions)
    from umap import UMAP

    self_index = np.arange(len(values))[:, None]
    # umap-learn counts a point as its own first neighbour
    indices = np.hstack([self_index, neighbours.indices]).astype(np.int64)
    distances = np.hstack([np.zeros((len(values), 1), np.float32), neighbours.distances])
    model = UMAP(
        n_neighbors=indices.shape[1],
        n_components=dimensions,
        random_state=seed,
        n_jobs=1,
        init=pca(values, dimensions).embedding,
        precomputed_knn=(indices, distances),
    )
    with _restored_threads(), warnings.catch_warnings():
        # which matters only for transforming new examples
        warnings.filterwarnings("ignore", "precomputed_knn.*not an NNDescent object")
        embedding = model.fit_transform(values)
    return Projection("umap", np.asarray(embedding, dtype=np.float32), np.empty(0))


def knn_recall(neighbours: Neighbours, embedding: NDArray[np.float32], k: int = 10) -> float:
    """Mean fraction, 0..1, of an example's k nearest neighbours that are also among its k nearest
    in a projection; of more than ``MAX_SCORED`` examples, so many at equal distances are looked at.

    Args:
        neighbours: k or more neighbours in the original space, nearest first.
        embedding: [N, D], of the projection.
        k: how many.
    """
    rows = np.linspace(0, len(embedding) - 1, min(MAX_SCORED, len(embedding))).round().astype(int)
    values = np.ascontiguousarray(embedding)
    projected = nearest(values[rows], values, k, metric="euclidean", exclude=rows).indices
    recovered = (neighbours.indices[rows, :k, None] == projected[:, None, :]).any(axis=2)
    return float(recovered.mean())


@contextlib.contextmanager
def _restored_threads() -> Iterator[None]:
    """Restore OpenMP's number of threads, which numba changes for every library in the process,
    including torch.
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
    if n < MIN_EXAMPLES:
        raise ConfigError(f"{n} examples are too few for a projection; give {MIN_EXAMPLES} or more")
