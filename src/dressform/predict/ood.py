"""`OODDetector`: does a picture look like those that a model was made for? Nearest neighbours,
calibrated.

A picture is described by what the model makes of it, its penultimate features with length 1 (Sun et
al. 2022, "Out-of-distribution detection with deep nearest neighbors",
https://arxiv.org/abs/2204.06507), and by how it looks: mean and standard deviation of the pixels in
each of 7 x 7 parts. Features alone miss what the model has no eyes for, looks alone what is odd in
detail; each of the three counts as much on average. The score is the squared distance to the tenth
nearest training picture. How large is too large is told by pictures that the model has not learned
from: the p-value is the share of them that are at least as far (Vovk, Gammerman and Shafer 2005: a
conformal p-value). So of pictures that are like those, at most a share of a has a p-value of a or
less, whatever the model. docs/photos.md has the measurement against other scores.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.core.files import read_npz, write_npz

NEAREST = 10
MAX_REFERENCES = 10_000
"""Training pictures that are kept, spread evenly."""
FEWEST = 50
"""Pictures for calibration that p-values need."""
ROWS = 1000
PARTS = 7


@dataclass(frozen=True, eq=False)
class OODDetector:
    """Known pictures.

    Attributes:
        known: float16 [M, D + 2 L], training pictures: features of length 1, means and standard
            deviations of L parts and channels, each of the two divided by its scale.
        scales: float32 [2], the root of the mean squared length of the means, and of the
            deviations.
        distances: float32 [V], ascending, of pictures that the model did not learn from.
    """

    known: NDArray[np.float16]
    scales: NDArray[np.float32]
    distances: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        images: NDArray[np.uint8],
        unseen: NDArray[np.float32],
        unseen_images: NDArray[np.uint8],
    ) -> "OODDetector | None":
        """Remember pictures.

        Args:
            features: [N, D], of pictures that the model learned from.
            images: uint8 [N, H, W, C], the same.
            unseen: [V, D], of others like them.
            unseen_images: uint8 [V, H, W, C].

        Returns:
            None where there are too few of either.
        """
        if len(features) <= NEAREST or len(unseen) < FEWEST:
            return None
        some = subsample_indices(len(features))
        means, spreads = look_of(images[some])
        scales = np.array(
            [max(1e-6, np.sqrt((part**2).sum(axis=1).mean())) for part in (means, spreads)],
            np.float32,
        )
        known = np.hstack([_unit(features[some]), means / scales[0], spreads / scales[1]]).astype(
            np.float16
        )
        bare = cls(known, scales, np.empty(0, np.float32))
        return cls(known, scales, np.sort(bare.distances_of(unseen, unseen_images)))

    def distances_of(
        self, features: NDArray[np.float32], images: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Squared distances to the tenth nearest known picture, float32 [N]; arguments as for
        :meth:`p_values`.
        """
        table, found = self.known.astype(np.float32), [np.empty(0, np.float32)]
        lengths = (table**2).sum(axis=1)
        for start in range(0, len(features), ROWS):
            means, spreads = look_of(images[start : start + ROWS])
            rows = np.hstack(
                [
                    _unit(features[start : start + ROWS]),
                    means / self.scales[0],
                    spreads / self.scales[1],
                ]
            )
            away = lengths + (rows**2).sum(axis=1)[:, None] - 2 * rows @ table.T
            found.append(np.partition(away, NEAREST - 1, axis=1)[:, NEAREST - 1])
        return np.concatenate(found)

    def p_values(
        self, features: NDArray[np.float32], images: NDArray[np.uint8]
    ) -> NDArray[np.float64]:
        """How usual pictures are, 0..1: the share of unseen ones that are at least as far from the
        known ones.

        Args:
            features: [N, D].
            images: uint8 [N, H, W, C], the same pictures.
        """
        closer = np.searchsorted(self.distances, self.distances_of(features, images), side="left")
        return np.asarray(
            (len(self.distances) - closer + 1) / (len(self.distances) + 1), dtype=np.float64
        )

    def save(self, path: Path) -> None:
        """Write, atomically."""
        write_npz(path, {"known": self.known, "scales": self.scales, "distances": self.distances})

    @classmethod
    def load(cls, path: Path) -> "OODDetector":
        """Read what :meth:`save` wrote.

        Raises:
            RunError: damaged, or something else.
        """
        arrays = read_npz(path)
        forms = {name: (values.ndim, str(values.dtype)) for name, values in arrays.items()}
        whole = forms == {
            "known": (2, "float16"),
            "scales": (1, "float32"),
            "distances": (1, "float32"),
        }
        if whole:
            known, scales, distances = (arrays[name] for name in ("known", "scales", "distances"))
            whole = (
                len(known) >= NEAREST
                and len(scales) == 2
                and len(distances) >= 1
                and bool((scales > 0).all())
            )
            whole = whole and all(
                bool(np.isfinite(values).all()) for values in (known, scales, distances)
            )
            whole = whole and bool((np.diff(distances) >= 0).all())
        if not whole:
            raise RunError(
                f"{path} does not have a model's known pictures as this version writes them; "
                f"delete it, and none is called unusual"
            )
        return cls(known, scales, distances)

    def width_of(self, channels: int) -> int:
        """How many features the model has whose pictures these are."""
        return int(self.known.shape[1]) - 2 * PARTS * PARTS * channels


def look_of(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How pictures look from afar: mean and standard deviation of the pixels, 0..1, in each of 7 x
    7 parts.

    Args:
        images: uint8 [N, H, W, C].

    Returns:
        both float32 [N, 49 C]; parts overlap by a pixel where a side is no multiple of 7.
    """
    count, height, width, channels = images.shape
    found = np.empty((2, count, PARTS, PARTS, channels), np.float32)
    for i, rows in enumerate(_parts(height)):
        for j, columns in enumerate(_parts(width)):
            part = images[:, rows, columns].astype(np.float32) / 255
            found[:, :, i, j] = part.mean(axis=(1, 2)), part.std(axis=(1, 2))
    return found[0].reshape(count, -1), found[1].reshape(count, -1)


def _parts(side: int) -> list[slice]:
    return [slice(i * side // PARTS, -(-(i + 1) * side // PARTS)) for i in range(PARTS)]


def subsample_indices(count: int) -> NDArray[np.int64]:
    """Positions of up to ``MAX_REFERENCES`` of so many pictures, spread evenly."""
    return np.linspace(0, count - 1, min(MAX_REFERENCES, count)).round().astype(np.int64)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32
    )
