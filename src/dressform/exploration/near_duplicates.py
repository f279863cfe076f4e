"""Near duplicates: images that are equal, shifted by a pixel or two, brighter or darker, or
mirrored.

Candidates are found by cosine similarity between images moved to their centre of mass and
normalised to mean 0 and length 1, which small shifts and changes of brightness or contrast hardly
alter. Each candidate pair is then compared pixel by pixel at every shift of up to two pixels,
mirrored and not (zero-mean normalised cross-correlation; Lewis 1995, "Fast Normalized
Cross-Correlation"). Two pairs of trousers with the same outline correlate, too, so at the best
shift the details must also correlate: what remains after the local mean of each pixel is
subtracted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter

from dressform.data.resample import border_pixels
from dressform.exploration.neighbours import nearest, unit_rows
from dressform.exploration.projection import pca

MIN_SIMILARITY = 0.96
"""Minimum correlation of details of near duplicates."""
MIN_CORRELATION = 0.975
"""Minimum correlation of whole images; an image and its copy brightened 1.3 times, clipped, reach
0.989.
"""
N_CANDIDATES = 8
MIN_COSINE = 0.9
"""Minimum cosine similarity of candidates."""
N_COMPONENTS = 64
MAX_SHIFT = 2
BATCH_SIZE = 2000


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Pairs of nearly equal images, most similar first.

    Attributes:
        pairs: int64 [P, 2], indices, the smaller first.
        similarity: float32 [P], correlation of the details at the best shift, up to 1.
        mirrored: bool [P], whether one is the mirror image of the other.
    """

    pairs: NDArray[np.int64]
    similarity: NDArray[np.float32]
    mirrored: NDArray[np.bool_]


def near_duplicates(
    images: NDArray[np.uint8],
) -> NearDuplicates:
    """Find near duplicates among images.

    Images of a single colour correlate with nothing; those of equal colour are duplicates of the
    first.

    Args:
        images: uint8 [N, H, W, C], two or more.
    """
    grey = images.astype(np.float32).mean(axis=3)
    descriptors = _descriptors(grey)
    mirrored = _descriptors(grey[:, :, ::-1])
    reduced = pca(
        np.concatenate([descriptors, mirrored]), N_COMPONENTS
    ).embedding  # mirror images must share the same axes
    n, k = len(images), min(N_CANDIDATES, len(images) - 1)
    reference, results = reduced[:n], []
    for flipped, queries in ((False, reduced[:n]), (True, reduced[n:])):
        neighbours = nearest(queries, reference, k, exclude=np.arange(n))
        rows, columns = np.nonzero(neighbours.distances <= 1 - MIN_COSINE)
        pairs = np.sort(np.column_stack([rows, neighbours.indices[rows, columns]]), axis=1)
        pairs = np.unique(pairs, axis=0)
        correlation, shift = _best_shifts(grey, pairs, flipped)
        pairs, shift = pairs[correlation >= MIN_CORRELATION], shift[correlation >= MIN_CORRELATION]
        similarity = _detail_correlations(grey, pairs, shift, flipped)
        pairs, similarity = (
            pairs[similarity >= MIN_SIMILARITY],
            similarity[similarity >= MIN_SIMILARITY],
        )
        results.append((pairs, similarity, np.full(len(pairs), flipped)))
    constant = _constant_pairs(images)
    results.append((constant, np.ones(len(constant), np.float32), np.zeros(len(constant), bool)))
    pairs, similarity, is_mirrored = (np.concatenate(parts) for parts in zip(*results, strict=True))
    order = np.lexsort((is_mirrored, pairs[:, 1], pairs[:, 0], -similarity))
    pairs, similarity, is_mirrored = pairs[order], similarity[order], is_mirrored[order]
    _, first = np.unique(pairs, axis=0, return_index=True)  # symmetric objects are found twice
    keep = np.sort(first)
    return NearDuplicates(pairs[keep].astype(np.int64), similarity[keep], is_mirrored[keep])


def _constant_pairs(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs [P, 2] of the first image of a single colour with every other image of that colour."""
    rows = images.reshape(len(images), -1, images.shape[3])
    constant = np.flatnonzero((rows == rows[:, :1]).all(axis=(1, 2)))
    _, first, group = np.unique(rows[constant, 0], axis=0, return_index=True, return_inverse=True)
    pairs = np.column_stack([constant[first[group.ravel()]], constant])
    return np.asarray(pairs[pairs[:, 0] < pairs[:, 1]], dtype=np.int64)


def _descriptors(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images moved to their centre of mass, downsampled to half, mean 0 and length 1: [N, H, W] ->
    [N, D].
    """
    n, height, width = grey.shape
    # the mass is what differs from the background, whether dark or bright
    grey = grey - np.median(border_pixels(grey), axis=1)[:, None, None]
    mass_map = np.abs(grey)
    mass = np.maximum(mass_map.sum(axis=(1, 2)), 1e-6)
    row_offset = (mass_map.sum(axis=2) @ np.arange(height, dtype=np.float32)) / mass - (
        height - 1
    ) / 2
    column_offset = (mass_map.sum(axis=1) @ np.arange(width, dtype=np.float32)) / mass - (
        width - 1
    ) / 2
    centred = _translate(_translate(grey, row_offset, 1), column_offset, 2)
    padded = np.pad(centred, ((0, 0), (0, height % 2), (0, width % 2)))
    downsampled = (
        padded.reshape(n, (height + 1) // 2, 2, (width + 1) // 2, 2)
        .mean(axis=(2, 4))
        .reshape(n, -1)
    )
    return unit_rows(downsampled - downsampled.mean(axis=1, keepdims=True))


def _translate(
    grey: NDArray[np.float32], offsets: NDArray[np.floating], axis: int
) -> NDArray[np.float32]:
    """Shift each image back along an axis by its own offset in pixels; linear interpolation, 0
    outside.
    """
    size = grey.shape[axis]
    position = np.arange(size)[None] + offsets[:, None]
    floor = np.floor(position).astype(np.int64)
    weight = (position - floor).astype(np.float32)
    shape = (len(grey), size, 1) if axis == 1 else (len(grey), 1, size)

    def shifted(index: NDArray[np.int64]) -> NDArray[np.float32]:
        in_range = ((index >= 0) & (index < size)).reshape(shape)
        return np.asarray(
            np.take_along_axis(grey, index.clip(0, size - 1).reshape(shape), axis) * in_range
        )

    return np.asarray(
        shifted(floor) * (1 - weight.reshape(shape)) + shifted(floor + 1) * weight.reshape(shape),
        dtype=np.float32,
    )


Shift = tuple[int, int]
SHIFTS: list[Shift] = [
    (down, across)
    for down in range(-MAX_SHIFT, MAX_SHIFT + 1)
    for across in range(-MAX_SHIFT, MAX_SHIFT + 1)
]


def _best_shifts(
    grey: NDArray[np.float32], pairs: NDArray[np.int64], flipped: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The best correlation of each pair [P, 2] over all shifts, and the index of that shift."""
    best, shift = np.zeros(len(pairs), np.float32), np.zeros(len(pairs), np.int64)
    for start in range(0, len(pairs), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        first, second = grey[pairs[batch, 0]], grey[pairs[batch, 1]]
        second = second[:, :, ::-1] if flipped else second
        for i, offset in enumerate(SHIFTS):
            a, b = _overlap(first, second, offset)
            correlation = _correlation(a, b, np.ones_like(a))
            better = correlation > best[batch]
            best[batch] = np.where(better, correlation, best[batch])
            shift[batch] = np.where(better, i, shift[batch])
    return best, shift


def _detail_correlations(
    grey: NDArray[np.float32], pairs: NDArray[np.int64], shift: NDArray[np.int64], flipped: bool
) -> NDArray[np.float32]:
    """Correlation of the details of each pair [P, 2] at its shift, over pixels saturated in neither
    image.
    """
    similarity = np.zeros(len(pairs), np.float32)
    for i, offset in enumerate(SHIFTS):
        at_shift = np.flatnonzero(shift == i)
        for start in range(0, len(at_shift), BATCH_SIZE):
            batch = at_shift[start : start + BATCH_SIZE]
            first, second = grey[pairs[batch, 0]], grey[pairs[batch, 1]]
            second = second[:, :, ::-1] if flipped else second
            details = [_without_border(_high_pass(image)) for image in (first, second)]
            unsaturated = [
                _without_border(maximum_filter(image, size=(1, 3, 3)) < 255)
                for image in (first, second)
            ]
            a, b = _overlap(details[0], details[1], offset)
            a_unsaturated, b_unsaturated = _overlap(unsaturated[0], unsaturated[1], offset)
            similarity[batch] = _correlation(
                a, b, (a_unsaturated & b_unsaturated).astype(np.float32)
            )
    return similarity


def _high_pass(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(images - uniform_filter(images, size=(1, 3, 3)), dtype=np.float32)


def _without_border(values: NDArray[Any]) -> NDArray[Any]:
    """Crop the border, where the local mean is unknown."""
    return values[:, 1:-1, 1:-1]


def _overlap(
    first: NDArray[Any], second: NDArray[Any], offset: Shift
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The overlapping parts, [N, pixels], of two images shifted against each other."""
    (down, across), (height, width) = offset, first.shape[1:]
    a = first[:, max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)]
    b = second[:, max(0, -down) : height + min(0, -down), max(0, -across) : width + min(0, -across)]
    return a.reshape(len(a), -1), b.reshape(len(b), -1)


def _correlation(
    a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weighted Pearson correlation, row by row; 0 if a row is constant."""
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    a, b = (v - (v * weight).sum(axis=1, keepdims=True) / total for v in (a, b))
    covariance, variance_a, variance_b = ((x * weight).sum(axis=1) for x in (a * b, a * a, b * b))
    denominator = np.sqrt(variance_a * variance_b)
    return np.asarray(
        covariance / np.where(denominator > 1e-6, denominator, np.inf), dtype=np.float32
    )
