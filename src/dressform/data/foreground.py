"""`segment_foreground`: which pixels of a photo belong to the object that it shows, and which to
the background.

The model is that of GrabCut (Rother, Kolmogorov and Blake 2004,
https://doi.org/10.1145/1015706.1015720): one Gaussian mixture for the colours of the foreground and
one for the background, a pairwise term that keeps similar neighbours together, and alternating
updates of the two. Three things differ. Nobody draws a box: the initial foreground is what the
colours along the border do not explain, and a mild centre prior remains. Mean field (Krähenbühl and
Koltun 2011, https://arxiv.org/abs/1210.5644) replaces the graph cut, so that everything is sums
over arrays, which a browser computes just as well. And the colour term never exceeds
``MAX_LOG_ODDS``, so that a stripe in an unusual colour does not tear a shirt apart. docs/photos.md
compares it with OpenCV's GrabCut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.data.mixture import Mixture, quadratic_terms

BORDER_FRACTION = 0.04
"""Width of the border that is initially background, as a fraction of the shorter side."""
ITERATIONS = 4
MEAN_FIELD_STEPS = 10
BACKGROUND_COMPONENTS, FOREGROUND_COMPONENTS = 5, 4
PAIRWISE_WEIGHT = 1.0
"""Log odds contributed by each neighbour of equal colour."""
MAX_LOG_ODDS = 5.0
CENTRE_PRIOR = 1.0
"""Prior log odds of foreground at the centre; -0.6 at the middle of each side, less in the corners.
"""
MIN_PIXELS = 60
_NEIGHBOUR_OFFSETS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.707), (1, -1, 0.707))


@dataclass(frozen=True, eq=False)
class Foreground:
    """The foreground of a photo.

    Attributes:
        mask: bool [H, W], the object without holes and specks.
        objects: number of connected components.
        cut: fraction of the photo's border that it touches, 0..1.
    """

    mask: NDArray[np.bool_]
    objects: int
    cut: float


def segment_foreground(pixels: NDArray[np.uint8]) -> Foreground | None:
    """Segment the object in the middle of a photo.

    Args:
        pixels: uint8 [H, W, 3], sRGB, at least 8 x 8; meant for photos shrunk to sides of about
            160.

    Returns:
        the foreground, or None if nothing stands out from the border.
    """
    height, width = pixels.shape[:2]
    # In steps of 1/64 the sums behind a mean colour are exact, whatever their order: a browser
    # finds the same clusters, except in near ties.
    lab = np.round(_blurred(rgb_to_lab(pixels)) * 64) / 64
    terms = quadratic_terms(lab.reshape(-1, 3))
    border = border_mask(height, width)
    y, x = (np.arange(height) + 0.5) / height * 2 - 1, (np.arange(width) + 0.5) / width * 2 - 1
    prior = CENTRE_PRIOR * (1 - 1.6 * (y[:, None] ** 2 + x**2)) - 1.5 * border
    border_distance = (
        -Mixture(terms, border.ravel(), BACKGROUND_COMPONENTS)
        .log_density(terms)
        .reshape(height, width)
    )
    median = float(np.median(border_distance[border]))
    spread = float(np.percentile(border_distance[border], 90)) - median + 1
    log_odds = 1.5 * np.clip((border_distance - median - 1.5 * spread) / spread, -2, 2) + prior
    pairwise = _pairwise_terms(lab)
    for _ in range(ITERATIONS):
        is_foreground = (_mean_field(log_odds, pairwise) > 0).ravel()
        if min(is_foreground.sum(), (~is_foreground).sum()) < MIN_PIXELS:
            break
        foreground, background = (
            Mixture(terms, is_foreground, FOREGROUND_COMPONENTS),
            Mixture(terms, ~is_foreground, BACKGROUND_COMPONENTS),
        )
        log_odds = (foreground.log_density(terms) - background.log_density(terms)).reshape(
            height, width
        ) + prior
    return _clean_mask(_mean_field(log_odds, pairwise) > 0, border)


def border_mask(height: int, width: int) -> NDArray[np.bool_]:
    """The pixels along the border: bool [H, W]."""
    wide = max(2, round(BORDER_FRACTION * min(height, width)))
    border = np.ones((height, width), np.bool_)
    border[wide:-wide, wide:-wide] = False
    return border


def rgb_to_lab(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Convert sRGB to CIE Lab (D65), in which equal distances look equally different: [H, W, 3]."""
    xyz = _LINEAR[pixels] @ _TO_XYZ
    scaled = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = scaled[..., 0], scaled[..., 1], scaled[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


_BYTES = np.arange(256) / 255
_LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4)
_TO_XYZ = np.array(
    [[0.412453, 0.212671, 0.019334], [0.357580, 0.715160, 0.119193], [0.180423, 0.072169, 0.950227]]
) / np.array([0.950456, 1.0, 1.088754])


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian blur of 0.8 pixels; the border is repeated."""
    weights = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 0.8**2))
    weights = weights / weights.sum()
    for axis in (0, 1):
        padding = [(2, 2) if a == axis else (0, 0) for a in range(3)]
        padded, count = np.pad(values, padding, mode="edge"), values.shape[axis]
        shifted = [
            padded[i : i + count] if axis == 0 else padded[:, i : i + count] for i in range(5)
        ]
        values = sum(weight * part for weight, part in zip(weights, shifted, strict=True))
    return values


@dataclass(frozen=True, eq=False)
class _PairwiseTerm:
    """Neighbours in one direction.

    Pixels are in one row, with a column of zeros after each line of the photo: so a neighbour is
    always ``offset`` further on, and all arrays are contiguous.

    Attributes:
        offset: from the first neighbour to the second.
        weights: of each pair, by its first neighbour, 0..1, low across edges; 0 where there is no
            second.
    """

    offset: int
    weights: NDArray[np.float32]


def _pairwise_terms(lab: NDArray[np.float64]) -> list[_PairwiseTerm]:
    """The weights of neighbours in four directions, in float32 as they are used."""
    height, width = lab.shape[:2]
    planes = np.ascontiguousarray(lab.transpose(2, 0, 1), dtype=np.float32)
    distances = []
    for down, right, _ in _NEIGHBOUR_OFFSETS:
        first = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        second = (slice(down, height), slice(max(0, right), width + min(0, right)))
        x, y, z = planes[:, *first] - planes[:, *second]
        distances.append((first, x * x + y * y + z * z))
    mean_distance = sum(float(d.sum()) for _, d in distances) / sum(d.size for _, d in distances)
    terms = []
    for (down, right, weight), (first, distance) in zip(_NEIGHBOUR_OFFSETS, distances, strict=True):
        offset = down * (width + 1) + right
        padded = np.zeros((height, width + 1), np.float32)
        padded[first] = PAIRWISE_WEIGHT * weight * np.exp(-distance / (2 * mean_distance + 1e-6))
        terms.append(_PairwiseTerm(offset, padded.ravel()[: padded.size - offset]))
    return terms


def _mean_field(
    log_odds: NDArray[np.float64], pairwise: list[_PairwiseTerm]
) -> NDArray[np.float32]:
    """Half the log odds of each pixel given its neighbours; only their signs are used, so float32
    will do.
    """
    height, width = log_odds.shape
    padded = np.zeros((height, width + 1), np.float32)
    np.clip(log_odds / 2, -MAX_LOG_ODDS / 2, MAX_LOG_ODDS / 2, out=padded[:, :width])
    unary = padded.ravel()
    field, expectation, message = unary.copy(), np.empty_like(unary), np.empty_like(unary)
    sums = []
    for term in pairwise:
        first, second = slice(len(term.weights)), slice(term.offset, None)
        weights, product = term.weights / 2, message[first]
        sums.append((field[first], weights, expectation[second], product))
        sums.append((field[second], weights, expectation[first], product))
    for _ in range(MEAN_FIELD_STEPS):
        np.tanh(field, out=expectation)  # 2 p - 1
        np.copyto(field, unary)
        for total, weights, neighbour, product in sums:
            total += np.multiply(weights, neighbour, out=product)
    return field.reshape(height, width + 1)[:, :width]


def _clean_mask(mask: NDArray[np.bool_], border: NDArray[np.bool_]) -> Foreground | None:
    """The main components (large, central and away from the border), with holes filled."""
    from scipy import ndimage

    components, count = ndimage.label(_opened(mask), np.ones((3, 3)))
    if not count:
        return None
    height, width = mask.shape
    pixels = components.ravel()
    areas = np.bincount(pixels, minlength=count + 1)[1:]
    rows, columns = np.repeat(np.arange(height), width), np.tile(np.arange(width), height)
    y = (np.bincount(pixels, rows)[1:] / areas + 0.5) / height - 0.5
    x = (np.bincount(pixels, columns)[1:] / areas + 0.5) / width - 0.5
    border_fraction = np.bincount(components[border], minlength=count + 1)[1:] / border.sum()
    score = areas * np.exp(-2 * (y * y + x * x)) * (1 - border_fraction)
    selected = np.append(False, score > 0.25 * score.max())
    filled = selected[components]
    outside, _ = ndimage.label(np.pad(~filled, 1, constant_values=True))
    filled = outside[1:-1, 1:-1] != outside[0, 0]
    return Foreground(filled, int(selected.sum()), float((filled & border).sum() / border.sum()))


def _opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that lie in 3 x 3 pixels of it."""
    for combine in (np.logical_and, np.logical_or):
        padded = np.pad(mask, 1)
        rows = combine(combine(padded[:-2], padded[1:-1]), padded[2:])
        mask = combine(combine(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return mask
