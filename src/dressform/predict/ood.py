"""`OODDetector`: out-of-distribution detection by nearest neighbours, with calibrated p-values.

An image is described by its penultimate features, normalised to length 1 (Sun et
al. 2022, "Out-of-distribution detection with deep nearest neighbors",
https://arxiv.org/abs/2204.06507), and by pixel statistics: mean and standard deviation in each of 7
x 7 blocks. Features alone miss what the model ignores, and pixel statistics alone miss unusual
details; the three parts have equal weight on average. The score is the squared distance to the
tenth nearest training image. It is calibrated on images that the model was not trained on: the
p-value is the fraction of them that are at least as far (a conformal p-value; Vovk, Gammerman and
Shafer 2005). So for images from the same distribution, a p-value of a or less has a probability of
at most a, whatever the model. docs/out-of-distribution.md compares it with other scores.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.core.files import read_npz, write_npz

N_NEIGHBOURS = 10
MAX_REFERENCES = 10_000
"""Maximum number of stored training images, evenly spaced."""
MIN_CALIBRATION_IMAGES = 50
"""Minimum number of calibration images."""
BATCH_SIZE = 1000
GRID = 7


@dataclass(frozen=True, eq=False)
class OODDetector:
    """A nearest-neighbour detector of out-of-distribution images.

    Attributes:
        reference: float16 [M, D + 2 L], training images: normalised features, then means and
            standard deviations of L blocks and channels, both divided by their scale.
        scales: float32 [2], root mean square length of the means, and of the deviations.
        distances: float32 [V], ascending, of calibration images.
    """

    reference: NDArray[np.float16]
    scales: NDArray[np.float32]
    distances: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        images: NDArray[np.uint8],
        calibration: NDArray[np.float32],
        calibration_images: NDArray[np.uint8],
    ) -> "OODDetector | None":
        """Fit a detector.

        Args:
            features: [N, D], of training images.
            images: uint8 [N, H, W, C], the same images.
            calibration: [V, D], of images that the model was not trained on.
            calibration_images: uint8 [V, H, W, C].

        Returns:
            None if there are too few images of either kind.
        """
        if len(features) <= N_NEIGHBOURS or len(calibration) < MIN_CALIBRATION_IMAGES:
            return None
        subsample = subsample_indices(len(features))
        means, deviations = block_statistics(images[subsample])
        scales = np.array(
            [max(1e-6, np.sqrt((part**2).sum(axis=1).mean())) for part in (means, deviations)],
            np.float32,
        )
        reference = np.hstack(
            [_unit(features[subsample]), means / scales[0], deviations / scales[1]]
        ).astype(np.float16)
        uncalibrated = cls(reference, scales, np.empty(0, np.float32))
        return cls(
            reference, scales, np.sort(uncalibrated.distances_of(calibration, calibration_images))
        )

    @cached_property
    def _reference_and_lengths(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The reference in float32, converted once, and its squared lengths."""
        reference = self.reference.astype(np.float32)
        return reference, np.asarray((reference**2).sum(axis=1))

    def distances_of(
        self, features: NDArray[np.float32], images: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Squared distances to the tenth nearest reference image, float32 [N]; arguments as for
        :meth:`p_values`.
        """
        reference, lengths = self._reference_and_lengths
        distances = [np.empty(0, np.float32)]
        for start in range(0, len(features), BATCH_SIZE):
            means, deviations = block_statistics(images[start : start + BATCH_SIZE])
            rows = np.hstack(
                [
                    _unit(features[start : start + BATCH_SIZE]),
                    means / self.scales[0],
                    deviations / self.scales[1],
                ]
            )
            squared = lengths + (rows**2).sum(axis=1)[:, None] - 2 * rows @ reference.T
            distances.append(np.partition(squared, N_NEIGHBOURS - 1, axis=1)[:, N_NEIGHBOURS - 1])
        return np.concatenate(distances)

    def p_values(
        self, features: NDArray[np.float32], images: NDArray[np.uint8]
    ) -> NDArray[np.float64]:
        """Conformal p-values, 0..1: the fraction of calibration images at least as far from the
        reference.

        Args:
            features: [N, D].
            images: uint8 [N, H, W, C], the same images.
        """
        closer = np.searchsorted(self.distances, self.distances_of(features, images), side="left")
        return np.asarray(
            (len(self.distances) - closer + 1) / (len(self.distances) + 1), dtype=np.float64
        )

    def save(self, path: Path) -> None:
        """Write, atomically."""
        write_npz(
            path, {"reference": self.reference, "scales": self.scales, "distances": self.distances}
        )

    @classmethod
    def load(cls, path: Path) -> "OODDetector":
        """Read what :meth:`save` wrote.

        Raises:
            RunError: the file is damaged or not a detector.
        """
        arrays = read_npz(path)
        layout = {name: (values.ndim, str(values.dtype)) for name, values in arrays.items()}
        valid = layout == {
            "reference": (2, "float16"),
            "scales": (1, "float32"),
            "distances": (1, "float32"),
        }
        if valid:
            reference, scales, distances = (
                arrays[name] for name in ("reference", "scales", "distances")
            )
            valid = (
                len(reference) >= N_NEIGHBOURS
                and len(scales) == 2
                and len(distances) >= 1
                and bool((scales > 0).all())
            )
            valid = valid and all(
                bool(np.isfinite(values).all()) for values in (reference, scales, distances)
            )
            valid = valid and bool((np.diff(distances) >= 0).all())
        if not valid:
            raise RunError(
                f"{path} is not an OOD detector as this version writes it; delete it to predict "
                f"without one"
            )
        return cls(reference, scales, distances)

    def width_of(self, channels: int) -> int:
        """Number of features of the model that this detector belongs to."""
        return int(self.reference.shape[1]) - 2 * GRID * GRID * channels


def block_statistics(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of the pixels, 0..1, in each of 7 x 7 blocks of images.

    Args:
        images: uint8 [N, H, W, C].

    Returns:
        both float32 [N, 49 C]; blocks overlap by a pixel if a side is not a multiple of 7.
    """
    count, height, width, channels = images.shape
    statistics = np.empty((2, count, GRID, GRID, channels), np.float32)
    for i, rows in enumerate(_grid_slices(height)):
        for j, columns in enumerate(_grid_slices(width)):
            part = images[:, rows, columns].astype(np.float32) / 255
            statistics[:, :, i, j] = part.mean(axis=(1, 2)), part.std(axis=(1, 2))
    return statistics[0].reshape(count, -1), statistics[1].reshape(count, -1)


def _grid_slices(side: int) -> list[slice]:
    return [slice(i * side // GRID, -(-(i + 1) * side // GRID)) for i in range(GRID)]


def subsample_indices(count: int) -> NDArray[np.int64]:
    """Evenly spaced indices of up to ``MAX_REFERENCES`` of ``count`` images."""
    return np.linspace(0, count - 1, min(MAX_REFERENCES, count)).round().astype(np.int64)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32
    )
