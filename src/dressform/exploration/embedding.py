"""`embed`: neighbours and projections of examples, each cached under a digest of its inputs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.exploration.cache import Arrays, cached
from dressform.exploration.explanation import digest
from dressform.exploration.neighbours import Metric, Neighbours, nearest
from dressform.exploration.projection import (
    MIN_EXAMPLES,
    N_NEIGHBOURS,
    Projection,
    knn_recall,
    pca,
    tsne,
    umap,
)

logger = logging.getLogger(__name__)

METHODS = ("pca", "tsne", "umap")
N_SHOWN_NEIGHBOURS = 10
"""Neighbours shown on a page for each metric."""
N_COMPONENTS = 32
"""Principal components from which a page builds custom axes; the remaining ones of 128 features
explain little.
"""
PCA_COMPONENTS = 50
"""Principal components that pixels are reduced to before t-SNE and UMAP, as is customary.
"""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Projections and neighbours of N examples.

    Attributes:
        projections: the one with the highest recall first: of PCA's first two components and of
            each method in the first of its dimensions.
        knn_recall: of each projection, 0..1: see
            :func:`dressform.exploration.projection.knn_recall`.
        components: float32 [N, D], up to ``N_COMPONENTS`` principal components.
        neighbours: nearest other examples, by ``cosine`` and ``euclidean`` distance.
    """

    projections: tuple[Projection, ...]
    knn_recall: tuple[float, ...]
    components: NDArray[np.float32]
    neighbours: dict[Metric, Neighbours]


def check_methods(methods: Sequence[str], dimensions: Sequence[int], seed: int = 0) -> None:
    """Check the arguments of :func:`embed` before any long computation.

    Raises:
        ConfigError: the method, dimensions or seed are invalid, or umap-learn is not installed.
    """
    if not 0 <= seed < 2**32:
        raise ConfigError(f"the seed is {seed}; allowed: 0 to {2**32 - 1}")
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ConfigError(
            f"projection {unknown[0]} is unknown; allowed: {', '.join(METHODS)}, or several of them"
        )
    if not methods:
        raise ConfigError(f"no projection is named; allowed: one or more of {', '.join(METHODS)}")
    if not dimensions or not set(dimensions) <= {2, 3}:
        raise ConfigError(
            f"dimensions are {', '.join(map(str, dimensions)) or 'none'}; allowed: 2, 3, or both"
        )
    if "umap" in methods and find_spec("umap") is None:
        raise ConfigError(
            "UMAP needs umap-learn; pip install umap-learn, or name other projections than umap"
        )


def check_enough(examples: int) -> None:
    """Check that there are enough examples for neighbours and projections.

    Raises:
        ConfigError: there are fewer than ``MIN_EXAMPLES``.
    """
    if examples < MIN_EXAMPLES:
        raise ConfigError(
            f"{examples:,} examples are too few for a projection; give {MIN_EXAMPLES} or more"
        )


def embed(
    values: NDArray[np.float32],
    keep: Callable[[str], Path],
    *,
    methods: Sequence[str] = METHODS,
    dimensions: Sequence[int] = (2,),
    seed: int = 0,
) -> Embeddings:
    """Compute neighbours and projections.

    Args:
        values: float32 [N, D], features or pixels.
        keep: maps a name to the path of a cache file, which is read if it exists.
        methods: of ``pca``, ``tsne`` and ``umap``.
        dimensions: 2, 3 or both, for t-SNE and UMAP.
        seed: of the methods.

    Raises:
        ConfigError: see :func:`check_methods`, or there are too few examples.
    """
    check_methods(methods, dimensions, seed)
    check_enough(len(values))
    key = digest(np.ascontiguousarray(values).tobytes(), str(values.shape))

    def compute_or_read(
        name: str, compute: Callable[[], Arrays], arrays: set[str], message: str
    ) -> Arrays:
        def announced() -> Arrays:
            logger.info(message)
            return compute()

        return cached(keep(f"{name}-{key}"), arrays, len(values), announced)

    neighbours: dict[Metric, Neighbours] = {}
    metrics: tuple[Metric, ...] = ("euclidean", "cosine")
    for metric in metrics:
        k = min(N_NEIGHBOURS if metric == "euclidean" else N_SHOWN_NEIGHBOURS, len(values) - 1)

        def search(metric: Metric = metric, k: int = k) -> Arrays:
            result = nearest(values, values, k, metric=metric, exclude=np.arange(len(values)))
            return {"indices": result.indices, "distances": result.distances}

        message = f"finding neighbours of {len(values):,} examples ({metric})"
        arrays = compute_or_read(f"near-{metric}", search, {"indices", "distances"}, message)
        neighbours[metric] = Neighbours(arrays["indices"], arrays["distances"])
    components = pca(values, N_COMPONENTS)
    projections = list[Projection]()
    if "pca" in methods:
        projections.append(
            Projection("pca", components.embedding[:, :10], components.explained[:10])
        )
    reduced = (
        pca(values, PCA_COMPONENTS).embedding if values.shape[1] > 4 * PCA_COMPONENTS else values
    )
    for method in dict.fromkeys(methods):
        for d in dict.fromkeys(dimensions) if method != "pca" else ():

            def project(method: str = method, d: int = d) -> Arrays:
                projector = tsne if method == "tsne" else umap
                result = projector(reduced, neighbours["euclidean"], dimensions=d, seed=seed)
                return {"embedding": result.embedding}

            title = {"tsne": "t-SNE", "umap": "UMAP"}[method]
            arrays = compute_or_read(
                f"{method}-{d}d-seed{seed}", project, {"embedding"}, f"{title} in {d} dimensions"
            )
            projections.append(Projection(method, arrays["embedding"], np.empty(0)))
    shown = {
        metric: Neighbours(n.indices[:, :N_SHOWN_NEIGHBOURS], n.distances[:, :N_SHOWN_NEIGHBOURS])
        for metric, n in neighbours.items()
    }
    ordered, recall = _best_first(projections, neighbours["euclidean"], dimensions[0])
    return Embeddings(ordered, recall, components.embedding, shown)


def _best_first(
    projections: Sequence[Projection], neighbours: Neighbours, first_dimension: int
) -> tuple[tuple[Projection, ...], tuple[float, ...]]:
    """The projection that keeps most neighbours before the others, and the recall of each.

    One more dimension keeps more neighbours of the same method, so only the first of the requested
    dimensions competes.
    """
    scored = []
    for projection in projections:
        shown = projection.embedding[:, :2] if projection.name == "pca" else projection.embedding
        recall = knn_recall(neighbours, shown, min(N_SHOWN_NEIGHBOURS, neighbours.indices.shape[1]))
        competes = projection.name == "pca" or shown.shape[1] == first_dimension
        scored.append((competes, recall, projection))
    best = max(range(len(scored)), key=lambda i: scored[i][:2])
    ordered = [scored[best], *scored[:best], *scored[best + 1 :]]
    return tuple(p for _, _, p in ordered), tuple(recall for _, recall, _ in ordered)
