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
from dressform.core.npz import read_npz, write_npz
from dressform.core.numbers import percent, percent_range

N_NEIGHBOURS = 10
MAX_REFERENCES = 10_000
"""Maximum number of stored training images, evenly spaced."""
MIN_CALIBRATION_IMAGES = 50
"""Minimum number of calibration images."""
BATCH_SIZE = 1000
GRID = 7
MAX_VALUES = 2**20
"""Pixels and channels of which :func:`block_statistics` makes floats at a time."""
N_BLOCKS = 50
"""Blocks of a row in :func:`kth_smallest`."""


@dataclass(frozen=True, eq=False)
class OODDetector:
    """A nearest-neighbour detector of out-of-distribution images.

    Attributes:
        reference: float16 [M, D + 2 L], training images: normalised features, then means and
            standard deviations of L blocks and channels, both divided by their scale.
        scales: float32 [2], root mean square length of the means, and of the deviations.
        distances: float32 [V], ascending, of calibration images.
        correct: bool [V], whether the model is right about each of them, in that order.
        clusters: int64 [V], the number of each one's group, or None.
    """

    reference: NDArray[np.float16]
    scales: NDArray[np.float32]
    distances: NDArray[np.float32]
    correct: NDArray[np.bool_]
    clusters: NDArray[np.int64] | None = None

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        images: NDArray[np.uint8],
        calibration: NDArray[np.float32],
        calibration_images: NDArray[np.uint8],
        correct: NDArray[np.bool_],
        clusters: NDArray[np.int64] | None = None,
    ) -> "OODDetector | None":
        """Fit a detector.

        Args:
            features: [N, D], of training images.
            images: uint8 [N, H, W, C], the same images.
            calibration: [V, D], of images that the model was not trained on.
            calibration_images: uint8 [V, H, W, C].
            correct: bool [V], whether the model is right about them.
            clusters: int64 [V], the number of each one's group, or None.

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
        uncalibrated = cls(reference, scales, np.empty(0, np.float32), np.empty(0, np.bool_))
        distances = uncalibrated.distances_of(calibration, calibration_images)
        order = np.argsort(distances, kind="stable")
        groups = None if clusters is None else clusters[order]
        return cls(reference, scales, distances[order], np.asarray(correct)[order], groups)

    @cached_property
    def _factors(self) -> NDArray[np.float32]:
        """[D + 2 L + 1, M]: times a row and a 1, the squared distances to each reference image less
        the row's own squared length, in one product.
        """
        reference = self.reference.astype(np.float32)
        return np.vstack([-2 * reference.T, (reference**2).sum(axis=1)])

    def distances_of(
        self, features: NDArray[np.float32], images: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Squared distances to the tenth nearest reference image, float32 [N]; arguments as for
        :meth:`p_values`.
        """
        distances = [np.empty(0, np.float32)]
        for start in range(0, len(features), BATCH_SIZE):
            means, deviations = block_statistics(images[start : start + BATCH_SIZE])
            rows = np.hstack(
                [
                    _unit(features[start : start + BATCH_SIZE]),
                    means / self.scales[0],
                    deviations / self.scales[1],
                    np.ones((len(means), 1), np.float32),
                ]
            )
            own = (rows[:, :-1] ** 2).sum(axis=1)
            distances.append(own + kth_smallest(rows @ self._factors, N_NEIGHBOURS))
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

    def answered(self, threshold: float) -> NDArray[np.bool_]:
        """Which of the calibration images have a p-value above a threshold, bool [V].

        Args:
            threshold: 0 to 1, at or below which a model abstains.
        """
        closer = np.searchsorted(self.distances, self.distances, side="left")
        count = len(self.distances)
        above: NDArray[np.bool_] = (count - closer + 1) / (count + 1) > threshold
        return above

    def abstention(self, threshold: float) -> str:
        """How often a model abstains on the calibration images, and how often it is right about the
        others, in a sentence.
        """
        from dressform.evaluation.clusters import proportion  # brings NumPy's random numbers

        answered = self.answered(threshold)
        count = len(self.distances)
        if not answered.any():
            return f"it abstains on all {count:,} validation images"
        groups = None if self.clusters is None else self.clusters[answered]
        accuracy = proportion(self.correct[answered], groups)
        abstained = percent(1 - float(answered.mean()), 1)
        return (
            f"it abstains on {abstained} of {count:,} validation images "
            f"and is right about {percent(accuracy.value, 1)} of the others "
            f"({percent_range(accuracy.low, accuracy.high, 1)}, 95 %)"
        )

    def save(self, path: Path) -> None:
        """Write, atomically."""
        names = ("reference", "scales", "distances", "correct", "clusters")
        arrays = {name: getattr(self, name) for name in names}
        write_npz(path, {name: array for name, array in arrays.items() if array is not None})

    @classmethod
    def load(cls, path: Path) -> "OODDetector":
        """Read what :meth:`save` wrote.

        Raises:
            RunError: the file is damaged or not a detector.
        """
        arrays = read_npz(path)
        clusters = arrays.pop("clusters", None)
        layout = {name: (values.ndim, str(values.dtype)) for name, values in arrays.items()}
        valid = layout == {
            "reference": (2, "float16"),
            "scales": (1, "float32"),
            "distances": (1, "float32"),
            "correct": (1, "bool"),
        }
        if valid:
            reference, scales, distances, correct = (
                arrays[name] for name in ("reference", "scales", "distances", "correct")
            )
            valid = (
                len(reference) >= N_NEIGHBOURS
                and len(scales) == 2
                and len(distances) == len(correct) >= 1
                and bool((scales > 0).all())
            )
            valid = valid and all(
                bool(np.isfinite(values).all()) for values in (reference, scales, distances)
            )
            valid = valid and bool((np.diff(distances) >= 0).all())
            if clusters is not None:
                valid = valid and clusters.shape == correct.shape and clusters.dtype == np.int64
        if not valid:
            raise RunError(
                f"{path} is not an OOD detector as this version writes it; delete it to predict "
                f"without one"
            )
        return cls(reference, scales, distances, correct, clusters)

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
    # one call for all blocks, where they have one size
    if height % GRID == 0 and width % GRID == 0:
        parts = np.empty((2, count, GRID * GRID * channels), np.float32)
        step = max(1, MAX_VALUES // images[:1].size) if count else 1
        for start in range(0, count, step):
            some = images[start : start + step]
            blocks = some.reshape(-1, GRID, height // GRID, GRID, width // GRID, channels)
            flat = blocks.transpose(0, 1, 3, 5, 2, 4).reshape(len(some), parts.shape[2], -1)
            values = flat.astype(np.float32) / 255
            parts[:, start : start + step] = values.mean(axis=2), values.std(axis=2)
        return parts[0], parts[1]
    statistics = np.empty((2, count, GRID, GRID, channels), np.float32)
    for i, rows in enumerate(_grid_slices(height)):
        for j, columns in enumerate(_grid_slices(width)):
            part = images[:, rows, columns].astype(np.float32) / 255
            statistics[:, :, i, j] = part.mean(axis=(1, 2)), part.std(axis=(1, 2))
    return statistics[0].reshape(count, -1), statistics[1].reshape(count, -1)


def kth_smallest(rows: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The k-th smallest value of each row, float32 [N].

    The k-th smallest of the smallest values of some blocks is a bound, above which nothing needs
    to be sorted: that takes an eighth of the time of sorting the 10,000 values of a row partly.

    Args:
        rows: float32 [N, M].
        k: 1 to M.
    """
    width = rows.shape[1] // N_BLOCKS
    if width < 2 or k > N_BLOCKS:
        return np.asarray(np.partition(rows, k - 1, axis=1)[:, k - 1])
    minima = rows[:, : width * N_BLOCKS].reshape(len(rows), N_BLOCKS, width).min(axis=2)
    bounds = np.partition(minima, k - 1, axis=1)[:, k - 1]
    smallest = np.empty(len(rows), np.float32)
    for i, (row, bound) in enumerate(zip(rows, bounds, strict=True)):
        candidates = row[row <= bound]
        if len(candidates) < k:  # values that are not finite
            candidates = row
        smallest[i] = np.partition(candidates, k - 1)[k - 1]
    return smallest


def _grid_slices(side: int) -> list[slice]:
    return [slice(i * side // GRID, -(-(i + 1) * side // GRID)) for i in range(GRID)]


def subsample_indices(count: int) -> NDArray[np.int64]:
    """Evenly spaced indices of up to ``MAX_REFERENCES`` of ``count`` images."""
    return np.linspace(0, count - 1, min(MAX_REFERENCES, count)).round().astype(np.int64)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32
    )
