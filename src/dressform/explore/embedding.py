"""`embed`: neighbours and projections of many examples, each kept under a digest of what it
depends on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.explore.cache import Arrays, kept
from dressform.explore.explanation import digest
from dressform.explore.neighbours import Metric, Neighbours, nearest
from dressform.explore.projection import FEWEST, NEAREST, Projection, pca, tsne, umap

METHODS = ("tsne", "umap")
SHOWN = 10
"""Neighbours that a page offers by each metric."""
BASIS = 32
"""Principal components in which a page looks for axes of its own; those of 128 features that are
not among them hold little.
"""
MOST_VALUES = 50
"""Pixels are reduced to so many principal components before t-SNE and UMAP, as is the field's
habit.
"""


@dataclass(frozen=True, eq=False)
class Places:
    """Where each of N examples stands.

    Attributes:
        projections: PCA first.
        basis: float32 [N, D], up to ``BASIS`` principal components.
        near: by ``cosine`` and ``euclidean``, the nearest others.
    """

    projections: tuple[Projection, ...]
    basis: NDArray[np.float32]
    near: dict[Metric, Neighbours]


def check_methods(methods: Sequence[str], dimensions: Sequence[int], seed: int = 0) -> None:
    """Tell before anything that takes long.

    Raises:
        ConfigError: another method, other dimensions, another seed, or UMAP where umap-learn is not
            installed.
    """
    if not 0 <= seed < 2**32:
        raise ConfigError(f"the seed is {seed}; allowed: 0 to {2**32 - 1}")
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ConfigError(
            f"projection {unknown[0]} is not known; allowed: {', '.join(METHODS)} (PCA is always "
            f"there)"
        )
    if not dimensions or not set(dimensions) <= {2, 3}:
        raise ConfigError(
            f"dimensions are {', '.join(map(str, dimensions)) or 'none'}; allowed: 2, 3, or both"
        )
    if "umap" in methods and find_spec("umap") is None:
        raise ConfigError("UMAP needs umap-learn; pip install 'dressform[umap]'")


def embed(
    values: NDArray[np.float32],
    keep: Callable[[str], Path],
    *,
    methods: Sequence[str] = METHODS,
    dimensions: Sequence[int] = (2,),
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> Places:
    """Find neighbours and projections.

    Args:
        values: float32 [N, D], features or pixels.
        keep: path of a file for a name; what is there is read and not found again.
        methods: besides PCA, of ``tsne`` and ``umap``.
        dimensions: 2 and perhaps 3, of each method.
        seed: of the methods.
        say: called with a line before each step that takes long.

    Raises:
        ConfigError: as :func:`check_methods`, or too few examples.
    """
    check_methods(methods, dimensions, seed)
    if len(values) < FEWEST:
        raise ConfigError(
            f"{len(values)} examples are too few for a projection; give {FEWEST} or more"
        )
    key = digest(np.ascontiguousarray(values).tobytes(), str(values.shape))

    def found(name: str, find: Callable[[], Arrays], arrays: set[str], line: str) -> Arrays:
        def told() -> Arrays:
            say(line)
            return find()

        return kept(keep(f"{name}-{key}"), arrays, len(values), told)

    near: dict[Metric, Neighbours] = {}
    metrics: tuple[Metric, ...] = ("euclidean", "cosine")
    for metric in metrics:
        count = min(NEAREST if metric == "euclidean" else SHOWN, len(values) - 1)

        def search(metric: Metric = metric, count: int = count) -> Arrays:
            own = nearest(values, values, count, metric=metric, itself=np.arange(len(values)))
            return {"indices": own.indices, "distances": own.distances}

        line = f"neighbours of {len(values):,} examples, {metric}"
        arrays = found(f"near-{metric}", search, {"indices", "distances"}, line)
        near[metric] = Neighbours(arrays["indices"], arrays["distances"])
    components = pca(values, BASIS)
    projections = [Projection("pca", components.places[:, :10], components.explained[:10])]
    reduced = pca(values, MOST_VALUES).places if values.shape[1] > 4 * MOST_VALUES else values
    for method in methods:
        for d in dimensions:

            def project(method: str = method, d: int = d) -> Arrays:
                make = tsne if method == "tsne" else umap
                return {"places": make(reduced, near["euclidean"], dimensions=d, seed=seed).places}

            word = {"tsne": "t-SNE", "umap": "UMAP"}[method]
            arrays = found(
                f"{method}-{d}d-seed{seed}", project, {"places"}, f"{word} in {d} dimensions"
            )
            projections.append(Projection(method, arrays["places"], np.empty(0)))
    shown = {
        metric: Neighbours(n.indices[:, :SHOWN], n.distances[:, :SHOWN])
        for metric, n in near.items()
    }
    return Places(tuple(projections), components.places, shown)
