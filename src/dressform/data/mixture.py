"""`Mixture`: a few Gaussians for the colours of many pixels, found without chance."""

import numpy as np
from numpy.typing import NDArray

SAMPLE = 1500
"""About so many pixels are looked at, where there are more."""
ROUNDS = 8
SMALLEST_SHARE = 0.01
SPREAD = (4.0, 2.0, 2.0)
"""Added to the variances of L, a and b: what a camera's noise and compression do to one colour."""


class Mixture:
    """A mixture of Gaussians, one for each cluster that k-means finds.

    k-means starts from the pixel nearest to the mean; each further centre is the pixel at the 95th
    percentile of the distance to the centres so far: far away, but no speck.

    Which pixels are looked at follows from their places alone: with one pixel more or less on its
    side, the others stay.

    Args:
        colours: [N, 3], of all pixels.
        chosen: bool [N], those that the mixture is for, one at least.
        parts: most Gaussians.
    """

    def __init__(self, colours: NDArray[np.float64], chosen: NDArray[np.bool_], parts: int) -> None:
        places = np.flatnonzero(chosen)
        looked_at = places[places * 40503 % 65536 * len(places) < 65536 * SAMPLE]
        sample = colours[looked_at if len(looked_at) else places]
        nearest = _k_means(sample, parts)
        self._parts = []
        for part in range(parts):
            own = sample[nearest == part]
            if len(own) < max(4, SMALLEST_SHARE * len(sample)):
                continue
            mean = own.mean(axis=0)
            away = own - mean
            root = np.linalg.cholesky(away.T @ away / len(own) + np.diag(SPREAD))
            height = np.log(len(own) / len(sample)) - np.log(np.diag(root)).sum()
            self._parts.append((height, mean, np.linalg.inv(root).T))

    def log_density(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        """The logarithm of the density at each colour [N, 3], up to a constant: [N]."""
        logs = np.stack(
            [
                height - 0.5 * (((colours - mean) @ turn) ** 2).sum(axis=1)
                for height, mean, turn in self._parts
            ]
        )
        top = logs.max(axis=0)
        return np.asarray(top + np.log(np.exp(logs - top).sum(axis=0)))


def _k_means(sample: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    """The cluster of each row."""
    distance = ((sample - sample.mean(axis=0)) ** 2).sum(axis=1)
    centres = [sample[distance.argmin()]]
    distance = ((sample - centres[0]) ** 2).sum(axis=1)
    for _ in range(parts - 1):
        centres.append(sample[np.argsort(distance, kind="stable")[int(0.95 * (len(sample) - 1))]])
        distance = np.minimum(distance, ((sample - centres[-1]) ** 2).sum(axis=1))
    middles = np.array(centres)
    for _ in range(ROUNDS):
        nearest = ((sample[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1)
        for part in range(parts):
            if (nearest == part).any():
                middles[part] = sample[nearest == part].mean(axis=0)
    return np.asarray(((sample[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1), dtype=np.int64)
