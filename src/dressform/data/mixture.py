"""`Mixture`: a Gaussian mixture for the colours of an image, fitted deterministically."""

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE = 1500
"""Approximate number of pixels that the mixture is fitted to."""
ITERATIONS = 8
MIN_FRACTION = 0.01
BLOCK = 4800
"""Colours at a time; the intermediate arrays of more exceed the processor's cache."""
VARIANCE_FLOOR = (4.0, 2.0, 2.0)
"""Added to the variances of L, a and b: camera noise and compression spread a single colour by this
much.
"""
_MATRIX = ((4, 7, 8), (7, 5, 9), (8, 9, 6))
"""Where the products of two channels are in :func:`quadratic_terms`."""


def quadratic_terms(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """The terms of a quadratic form of colours [N, 3]: 1, x, y, z, xx, yy, zz, xy, xz and yz,
    [10, N].

    Distances, moments and log densities are such forms, so those of several clusters are a single
    product of matrices.
    """
    x, y, z = planes = np.ascontiguousarray(colours.T, dtype=np.float64)
    return np.stack([np.ones_like(x), *planes, x * x, y * y, z * z, x * y, x * z, y * z])


class Mixture:
    """A Gaussian mixture with one component per k-means cluster.

    k-means starts from the pixel nearest to the mean; each further centre is the pixel at the 95th
    percentile of the distance to the existing centres: far away, but not a speck.

    Which pixels are sampled depends on their indices alone: adding or removing one pixel leaves the
    others in the sample.

    Args:
        terms: [10, N], of the colours of all pixels (:func:`quadratic_terms`).
        mask: bool [N], the pixels to fit, at least one.
        components: maximum number of Gaussians.
    """

    def __init__(
        self, terms: NDArray[np.float64], mask: NDArray[np.bool_], components: int
    ) -> None:
        indices = np.flatnonzero(mask)
        sampled = indices[(indices * 40503 & 65535) * len(indices) < 65536 * SAMPLE_SIZE]
        sample = terms[:, sampled if len(sampled) else indices]
        sums = _k_means(sample, components) @ sample.T
        counts = sums[:, 0]
        kept = counts >= max(4, MIN_FRACTION * sample.shape[1])
        moments = sums[kept] / counts[kept, None]
        means = moments[:, 1:4]
        covariances = moments[:, _MATRIX] - means[:, :, None] * means[:, None, :]
        whitening = np.linalg.inv(np.linalg.cholesky(covariances + np.diag(VARIANCE_FLOOR)))
        weights = np.log(counts[kept] / sample.shape[1])
        weights += np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1)
        self._coefficients = _coefficients(weights, means, whitening)

    def log_density(self, terms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at each colour, given as its terms [10, N], up to a constant: [N]."""
        density = np.empty(terms.shape[1])
        for start in range(0, len(density), BLOCK):
            logs = self._coefficients @ terms[:, start : start + BLOCK]
            maximum = logs.max(axis=0)
            logs -= maximum
            total = np.exp(logs, out=logs).sum(axis=0)
            density[start : start + BLOCK] = maximum + np.log(total)
        return density


def _coefficients(
    log_weights: NDArray[np.float64],
    means: NDArray[np.float64],
    whitening: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The log density of each component as coefficients of the terms: [K, 10].

    Args:
        log_weights: [K], log density at the mean.
        means: [K, 3].
        whitening: [K, 3, 3], inverse Cholesky factors of the covariances.
    """
    precision = whitening.transpose(0, 2, 1) @ whitening
    slope = (precision @ means[:, :, None])[:, :, 0]
    constant = log_weights - (slope * means).sum(axis=1) / 2
    squares = -np.diagonal(precision, axis1=1, axis2=2) / 2
    products = -precision[:, (0, 0, 1), (1, 2, 2)]
    return np.concatenate([constant[:, None], slope, squares, products], axis=1)


def _k_means(terms: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Which cluster each colour, given as its terms [10, N], belongs to: 0 or 1, [k, N]."""
    linear, squared_length = terms[:4], terms[4] + terms[5] + terms[6]
    count = terms.shape[1]

    def squared_distances(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(squared_length + _distance_terms(mean[None])[0] @ linear)

    first = squared_distances(linear[1:].mean(axis=1)).argmin()
    means = linear[1:, [first] * k].T.copy()
    distances = squared_distances(means[0])
    for cluster in range(1, k):
        means[cluster] = linear[1:, _index_at(distances, int(0.95 * (count - 1)))]
        distances = np.minimum(distances, squared_distances(means[cluster]))
    nearest = _nearest(linear, means)
    for _ in range(ITERATIONS):
        sums = nearest @ linear.T
        counts = sums[:, :1]
        means = np.where(counts > 0, sums[:, 1:] / np.maximum(counts, 1), means)
        nearest = _nearest(linear, means)
    return nearest


def _distance_terms(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance to each mean [k, 3] as coefficients of 1, x, y and z, without the colour's
    squared length: [k, 4].
    """
    return np.concatenate([(means * means).sum(axis=1)[:, None], -2 * means], axis=1)


def _nearest(linear: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each mean [k, 3] and colour, given as 1, x, y and z [4, N], whether it is the nearest,
    or the first of several: 0 or 1, [k, N].
    """
    distances = _distance_terms(means) @ linear
    nearest = distances == distances.min(axis=0)
    if np.count_nonzero(nearest) > nearest.shape[1]:
        nearest &= nearest.cumsum(axis=0) == 1
    return np.asarray(nearest, dtype=np.float64)


def _index_at(values: NDArray[np.float64], position: int) -> int:
    """What ``argsort(values, kind="stable")[position]`` is, without sorting."""
    value = np.partition(values, position)[position]
    equal = np.flatnonzero(values == value)
    return int(equal[position - int((values < value).sum())])
