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


class Mixture:
    """A Gaussian mixture with one component per k-means cluster.

    k-means starts from the pixel nearest to the mean; each further centre is the pixel at the 95th
    percentile of the distance to the existing centres: far away, but not a speck.

    Which pixels are sampled depends on their indices alone: adding or removing one pixel leaves the
    others in the sample.

    Args:
        colours: [N, 3], of all pixels.
        mask: bool [N], the pixels to fit, at least one.
        components: maximum number of Gaussians.
    """

    def __init__(
        self, colours: NDArray[np.float64], mask: NDArray[np.bool_], components: int
    ) -> None:
        indices = np.flatnonzero(mask)
        sampled = indices[indices * 40503 % 65536 * len(indices) < 65536 * SAMPLE_SIZE]
        sample = colours[sampled if len(sampled) else indices]
        cluster = _k_means(_planes(sample), components)
        self._components: list[tuple[np.float64, NDArray[np.float64], NDArray[np.float64]]] = []
        for component in range(components):
            members = sample[cluster == component]
            if len(members) < max(4, MIN_FRACTION * len(sample)):
                continue
            mean = members.mean(axis=0)
            centred = members - mean
            cholesky = np.linalg.cholesky(
                centred.T @ centred / len(members) + np.diag(VARIANCE_FLOOR)
            )
            log_weight = np.log(len(members) / len(sample)) - np.log(np.diag(cholesky)).sum()
            self._components.append((log_weight, mean, np.linalg.inv(cholesky)))

    def log_density(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at each colour [N, 3], up to a constant: [N]."""
        planes = _planes(colours)
        planes, density = _planes(colours), np.empty(len(colours))
        for start in range(0, len(colours), BLOCK):
            block = planes[:, start : start + BLOCK]
            logs = np.empty((len(self._components), block.shape[1]))
            for row, (log_weight, mean, whitening) in zip(logs, self._components, strict=True):
                x, y, z = block - mean[:, None]
                # the zeros of the triangle are left out, in the order of web/classify/mixture.js
                p, q, r = (
                    whitening[0, 0] * x,
                    whitening[1, 0] * x + whitening[1, 1] * y,
                    whitening[2, 0] * x + whitening[2, 1] * y + whitening[2, 2] * z,
                )
                np.subtract(log_weight, (p * p + q * q + r * r) / 2, out=row)
            maximum = logs.max(axis=0)
            logs -= maximum
            total = np.exp(logs, out=logs).sum(axis=0)
            density[start : start + BLOCK] = maximum + np.log(total)
        return density


def _planes(colours: NDArray[np.floating]) -> NDArray[np.float64]:
    """Colours [N, 3] as three contiguous rows, which NumPy adds several times as fast."""
    return np.ascontiguousarray(colours.T, dtype=np.float64)


def _squared_distance(
    planes: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squared distance of each colour [3, N] to one [3]: [N]."""
    x, y, z = planes - centre[:, None]
    return np.asarray(x * x + y * y + z * z)


def _k_means(planes: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Cluster index of each colour [3, N]."""
    distance = _squared_distance(planes, planes.mean(axis=1))
    means = planes[:, [distance.argmin()] * k].T.copy()
    distance = _squared_distance(planes, means[0])
    for cluster in range(1, k):
        means[cluster] = planes[:, _index_at(distance, int(0.95 * (len(distance) - 1)))]
        distance = np.minimum(distance, _squared_distance(planes, means[cluster]))
    for _ in range(ITERATIONS):
        nearest = _nearest(planes, means)
        counts = np.bincount(nearest, minlength=k)
        for channel, plane in enumerate(planes):
            sums = np.bincount(nearest, plane, minlength=k)
            np.divide(sums, counts, out=means[:, channel], where=counts > 0)
    return _nearest(planes, means)


def _nearest(planes: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest mean of each colour; the first of several."""
    nearest = np.zeros(planes.shape[1], np.int64)
    smallest = _squared_distance(planes, means[0])
    for cluster, mean in enumerate(means[1:], 1):
        distance = _squared_distance(planes, mean)
        nearest[distance < smallest] = cluster
        np.minimum(smallest, distance, out=smallest)
    return nearest


def _index_at(values: NDArray[np.float64], position: int) -> int:
    """What ``argsort(values, kind="stable")[position]`` is, without sorting."""
    value = np.partition(values, position)[position]
    equal = np.flatnonzero(values == value)
    return int(equal[position - int((values < value).sum())])
