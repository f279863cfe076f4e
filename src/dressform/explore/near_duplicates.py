"""Pictures that are nearly the same: equal, shifted by a pixel or two, brighter or darker, or
mirrored.

Candidates are found by cosine among pictures whose centre of mass was moved to the middle and whose
mean and length were taken away, which no small shift and no change of brightness or contrast alters
much. Each candidate pair is then compared pixel by pixel at every shift of up to two pixels, as it
is and mirrored (zero-mean normalised cross-correlation; Lewis 1995, "Fast Normalized
Cross-Correlation"). Two pairs of trousers with the same outline correlate, too: so at the best
shift the details must, what is left of the pictures when the mean of each pixel's neighbourhood is
taken away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter

from dressform.data.image import border_pixels
from dressform.explore.neighbours import nearest, unit_rows
from dressform.explore.projection import pca

SIMILAR = 0.96
"""Correlation of the details from which on two pictures count as near duplicates."""
OUTLINE = 0.975
"""Correlation of the whole pictures that they must have; one and itself 1.3 times as bright,
clipped, reach 0.989.
"""
CANDIDATES = 8
LIKELY = 0.9
"""Cosine of the centred pictures below which a candidate is not looked at."""
COMPONENTS = 64
SHIFT = 2
CHUNK = 2000


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Pairs of pictures that are nearly the same, most alike first.

    Attributes:
        pairs: int64 [P, 2], positions, the smaller first.
        similarity: float32 [P], correlation of the details at the best shift, up to 1.
        mirrored: bool [P], whether one is the other's mirror image.
    """

    pairs: NDArray[np.int64]
    similarity: NDArray[np.float32]
    mirrored: NDArray[np.bool_]


def near_duplicates(
    images: NDArray[np.uint8],
    *,
    similar: float = SIMILAR,
    progress: Callable[[int], object] = lambda done: None,
) -> NearDuplicates:
    """Find near duplicates among pictures.

    Pictures of one single colour correlate with nothing: of those of equal colour, each is a
    duplicate of the first.

    Args:
        images: uint8 [N, H, W, C], two or more.
        similar: correlation of the details from which on a pair is listed, 0..1.
        progress: called with the number of pictures searched for, of 2 N.
    """
    grey = images.astype(np.float32).mean(axis=3)
    descriptors = _descriptors(grey)
    mirrored = _descriptors(grey[:, :, ::-1])
    both = pca(
        np.concatenate([descriptors, mirrored]), COMPONENTS
    ).places  # mirror images must get the same axes
    n, k = len(images), min(CANDIDATES, len(images) - 1)
    reference, found = both[:n], []
    for flipped, queries in ((False, both[:n]), (True, both[n:])):
        start = n * flipped
        near = nearest(
            queries,
            reference,
            k,
            itself=np.arange(n),
            progress=lambda done, start=start: progress(start + done),  # type: ignore[misc]
        )
        rows, columns = np.nonzero(near.distances <= 1 - LIKELY)
        pairs = np.sort(np.column_stack([rows, near.indices[rows, columns]]), axis=1)
        pairs = np.unique(pairs, axis=0)
        outline, shift = _outlines(grey, pairs, flipped)
        pairs, shift = pairs[outline >= OUTLINE], shift[outline >= OUTLINE]
        likeness = _details(grey, pairs, shift, flipped)
        pairs, likeness = pairs[likeness >= similar], likeness[likeness >= similar]
        found.append((pairs, likeness, np.full(len(pairs), flipped)))
    blank = _blank(images)
    found.append((blank, np.ones(len(blank), np.float32), np.zeros(len(blank), bool)))
    pairs, likeness, flips = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((flips, pairs[:, 1], pairs[:, 0], -likeness))
    pairs, likeness, flips = pairs[order], likeness[order], flips[order]
    _, first = np.unique(pairs, axis=0, return_index=True)  # symmetric garments are found twice
    keep = np.sort(first)
    return NearDuplicates(pairs[keep].astype(np.int64), likeness[keep], flips[keep])


def _blank(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs [P, 2] of the first picture of one single colour with every other of that colour."""
    rows = images.reshape(len(images), -1, images.shape[3])
    blank = np.flatnonzero((rows == rows[:, :1]).all(axis=(1, 2)))
    _, first, group = np.unique(rows[blank, 0], axis=0, return_index=True, return_inverse=True)
    pairs = np.column_stack([blank[first[group.ravel()]], blank])
    return np.asarray(pairs[pairs[:, 0] < pairs[:, 1]], dtype=np.int64)


def _descriptors(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centred on their centre of mass, halved, mean 0 and length 1: [N, H, W] -> [N, D]."""
    n, height, width = grey.shape
    # what is there weighs, however bright the ground
    grey = grey - np.median(border_pixels(grey), axis=1)[:, None, None]
    weight = np.abs(grey)
    mass = np.maximum(weight.sum(axis=(1, 2)), 1e-6)
    down = (weight.sum(axis=2) @ np.arange(height, dtype=np.float32)) / mass - (height - 1) / 2
    across = (weight.sum(axis=1) @ np.arange(width, dtype=np.float32)) / mass - (width - 1) / 2
    moved = _slide(_slide(grey, down, 1), across, 2)
    padded = np.pad(moved, ((0, 0), (0, height % 2), (0, width % 2)))
    halves = (
        padded.reshape(n, (height + 1) // 2, 2, (width + 1) // 2, 2)
        .mean(axis=(2, 4))
        .reshape(n, -1)
    )
    return unit_rows(halves - halves.mean(axis=1, keepdims=True))


def _slide(grey: NDArray[np.float32], by: NDArray[np.floating], axis: int) -> NDArray[np.float32]:
    """Each picture moved back along an axis by its own number of pixels; linear in between, 0
    beyond the border.
    """
    size = grey.shape[axis]
    position = np.arange(size)[None] + by[:, None]
    below = np.floor(position).astype(np.int64)
    part = (position - below).astype(np.float32)
    shape = (len(grey), size, 1) if axis == 1 else (len(grey), 1, size)

    def taken(index: NDArray[np.int64]) -> NDArray[np.float32]:
        inside = ((index >= 0) & (index < size)).reshape(shape)
        return np.asarray(
            np.take_along_axis(grey, index.clip(0, size - 1).reshape(shape), axis) * inside
        )

    return np.asarray(
        taken(below) * (1 - part.reshape(shape)) + taken(below + 1) * part.reshape(shape),
        dtype=np.float32,
    )


Shift = tuple[int, int]
SHIFTS: list[Shift] = [
    (down, across) for down in range(-SHIFT, SHIFT + 1) for across in range(-SHIFT, SHIFT + 1)
]


def _outlines(
    grey: NDArray[np.float32], pairs: NDArray[np.int64], flipped: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The best correlation of each pair [P, 2] over the shifts, and the number of that shift."""
    best, shift = np.zeros(len(pairs), np.float32), np.zeros(len(pairs), np.int64)
    for start in range(0, len(pairs), CHUNK):
        part = slice(start, start + CHUNK)
        one, other = grey[pairs[part, 0]], grey[pairs[part, 1]]
        other = other[:, :, ::-1] if flipped else other
        for number, by in enumerate(SHIFTS):
            a, b = _overlap(one, other, by)
            found = _correlation(a, b, np.ones_like(a))
            better = found > best[part]
            best[part] = np.where(better, found, best[part])
            shift[part] = np.where(better, number, shift[part])
    return best, shift


def _details(
    grey: NDArray[np.float32], pairs: NDArray[np.int64], shift: NDArray[np.int64], flipped: bool
) -> NDArray[np.float32]:
    """The correlation of the details of each pair [P, 2] at its shift, where neither picture is at
    the end of its scale.
    """
    likeness = np.zeros(len(pairs), np.float32)
    for number, by in enumerate(SHIFTS):
        own = np.flatnonzero(shift == number)
        for start in range(0, len(own), CHUNK):
            part = own[start : start + CHUNK]
            one, other = grey[pairs[part, 0]], grey[pairs[part, 1]]
            other = other[:, :, ::-1] if flipped else other
            inner = [_inside(_detail(picture)) for picture in (one, other)]
            open_ended = [
                _inside(maximum_filter(picture, size=(1, 3, 3)) < 255) for picture in (one, other)
            ]
            a, b = _overlap(inner[0], inner[1], by)
            free, too = _overlap(open_ended[0], open_ended[1], by)
            likeness[part] = _correlation(a, b, (free & too).astype(np.float32))
    return likeness


def _detail(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(pictures - uniform_filter(pictures, size=(1, 3, 3)), dtype=np.float32)


def _inside(values: NDArray[Any]) -> NDArray[Any]:
    """Without the border, whose neighbourhood is not known."""
    return values[:, 1:-1, 1:-1]


def _overlap(
    one: NDArray[Any], other: NDArray[Any], by: Shift
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The parts that lie over each other, [N, pixels], when one picture is moved against the
    other.
    """
    (down, across), (height, width) = by, one.shape[1:]
    a = one[:, max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)]
    b = other[:, max(0, -down) : height + min(0, -down), max(0, -across) : width + min(0, -across)]
    return a.reshape(len(a), -1), b.reshape(len(b), -1)


def _correlation(
    a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Pearson's, row by row, with weights; 0 where a row is constant."""
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    a, b = (v - (v * weight).sum(axis=1, keepdims=True) / total for v in (a, b))
    both, first, second = ((x * weight).sum(axis=1) for x in (a * b, a * a, b * b))
    scale = np.sqrt(first * second)
    return np.asarray(both / np.where(scale > 1e-6, scale, np.inf), dtype=np.float32)
