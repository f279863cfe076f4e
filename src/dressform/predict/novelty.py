"""`Novelty`: does a picture look like those that a model was made for? Nearest neighbours among its features, calibrated.

The score of a picture is the distance to its tenth nearest among training pictures, one less the cosine of the penultimate
features (Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors", https://arxiv.org/abs/2204.06507). How
large is too large is told by pictures that the model has not learned from: the p-value is the share of them that are at least
as far (Vovk, Gammerman and Shafer 2005: a conformal p-value). So of pictures that are like those, at most a share of a has a
p-value of a or less, whatever the model. docs/photos.md has the measurement against other scores.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.core.files import read_npz, write_npz

NEAREST = 10
MOST = 10_000
"""Training pictures that are kept, spread evenly."""
FEWEST = 50
"""Pictures for calibration that p-values need."""
ROWS = 1000


@dataclass(frozen=True, eq=False)
class Novelty:
    """Known pictures.

    Attributes:
        known: float16 [M, D], features of training pictures, each of length 1.
        distances: float32 [V], ascending, of pictures that the model did not learn from.
    """

    known: NDArray[np.float16]
    distances: NDArray[np.float32]

    @classmethod
    def fit(cls, training: NDArray[np.float32], unseen: NDArray[np.float32]) -> "Novelty | None":
        """Remember features.

        Args:
            training: [N, D], of pictures that the model learned from.
            unseen: [V, D], of others like them.

        Returns:
            None where there are too few of either.
        """
        if len(training) <= NEAREST or len(unseen) < FEWEST:
            return None
        known = _unit(training[evenly(len(training))]).astype(np.float16)
        return cls(known, np.sort(_distances(known, unseen)))

    def p_values(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """How usual pictures are, 0..1: the share of unseen ones that are at least as far from the known ones.

        Args:
            features: [N, D].
        """
        closer = np.searchsorted(self.distances, _distances(self.known, features), side="left")
        return np.asarray((len(self.distances) - closer + 1) / (len(self.distances) + 1), dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write, atomically."""
        write_npz(path, {"known": self.known, "distances": self.distances})

    @classmethod
    def load(cls, path: Path) -> "Novelty":
        """Read what :meth:`save` wrote.

        Raises:
            RunError: damaged, or something else.
        """
        arrays = read_npz(path)
        if {name: values.ndim for name, values in arrays.items()} != {"known": 2, "distances": 1}:
            raise RunError(f"{path} does not have a model's known pictures; delete it, and no picture is called unusual")
        return cls(arrays["known"], arrays["distances"])


def evenly(count: int) -> NDArray[np.int64]:
    """Positions of up to ``MOST`` of so many pictures, spread evenly."""
    return np.linspace(0, count - 1, min(MOST, count)).round().astype(np.int64)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _distances(known: NDArray[np.float16], features: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the tenth nearest: float32 [N]."""
    table, found = known.astype(np.float32).T, []
    for start in range(0, len(features), ROWS):
        likeness = _unit(features[start : start + ROWS]) @ table
        found.append(1 - np.partition(likeness, -NEAREST, axis=1)[:, -NEAREST])
    return np.concatenate(found) if found else np.empty(0, np.float32)
