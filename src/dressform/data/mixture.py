"""`Mixture`: a Gaussian mixture for the colours of an image, fitted deterministically."""

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE = 1500
"""Approximate number of pixels that the mixture is fitted to."""
ITERATIONS = 8
MIN_FRACTION = 0.01
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
        cluster = _k_means(sample, components)
        self._components = []
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
            self._components.append((log_weight, mean, np.linalg.inv(cholesky).T))

    def log_density(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at each colour [N, 3], up to a constant: [N]."""
        logs = np.stack(
            [
                log_weight - 0.5 * (((colours - mean) @ whitening) ** 2).sum(axis=1)
                for log_weight, mean, whitening in self._components
            ]
        )
        maximum = logs.max(axis=0)
        return np.asarray(maximum + np.log(np.exp(logs - maximum).sum(axis=0)))


def _k_means(sample: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Cluster index of each row."""
    distance = ((sample - sample.mean(axis=0)) ** 2).sum(axis=1)
    centres = [sample[distance.argmin()]]
    distance = ((sample - centres[0]) ** 2).sum(axis=1)
    for _ in range(k - 1):
        centres.append(sample[np.argsort(distance, kind="stable")[int(0.95 * (len(sample) - 1))]])
        distance = np.minimum(distance, ((sample - centres[-1]) ** 2).sum(axis=1))
    means = np.array(centres)
    for _ in range(ITERATIONS):
        nearest = ((sample[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        for cluster in range(k):
            if (nearest == cluster).any():
                means[cluster] = sample[nearest == cluster].mean(axis=0)
    return np.asarray(((sample[:, None] - means) ** 2).sum(axis=2).argmin(axis=1), dtype=np.int64)
