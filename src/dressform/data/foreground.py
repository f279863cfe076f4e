"""`find_foreground`: which pixels of a photo belong to the thing that it shows, and which to the
floor it lies on.

The model is that of GrabCut (Rother, Kolmogorov and Blake 2004,
https://doi.org/10.1145/1015706.1015720): one mixture of Gaussians for the colours of each side,
neighbours that are alike tend to be on the same side, and both are found in turns. Three things
differ. Nobody draws a box: the first guess is what the colours along the border do not explain, and
a mild preference for the middle stays. The sides are found by mean field (Krähenbühl and Koltun
2011, https://arxiv.org/abs/1210.5644) in place of a cut through a graph, so the whole is sums over
arrays, which a browser computes just as well. And an unlikely side is never more than
``MOST_CERTAIN`` log odds away, so that a stripe in an unusual colour does not tear a shirt apart.
docs/photos.md has the measurement against OpenCV's GrabCut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.data.mixture import Mixture

BORDER = 0.04
"""Width of the border, of the shorter side, that is taken for background at first."""
TURNS = 4
STEPS = 10
BACKGROUND_PARTS, FOREGROUND_PARTS = 5, 4
NEIGHBOURS = 1.0
"""Log odds that each equal neighbour is worth."""
MOST_CERTAIN = 5.0
MIDDLE = 1.0
"""Log odds for the foreground at the centre, without regard to colour; at the border's middle -0.6,
less in the corners.
"""
FEWEST = 60
_OFFSETS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.707), (1, -1, 0.707))


@dataclass(frozen=True, eq=False)
class Foreground:
    """The two sides of a photo.

    Attributes:
        mask: bool [H, W], the thing without holes and without specks.
        objects: how many separate pieces it has.
        cut: share of the photo's border that it touches, 0..1.
    """

    mask: NDArray[np.bool_]
    objects: int
    cut: float


def find_foreground(pixels: NDArray[np.uint8]) -> Foreground | None:
    """Find the thing in the middle of a photo.

    Args:
        pixels: uint8 [H, W, 3], sRGB, at least 8 x 8; meant for sides of some 160, to which photos
            are shrunk before.

    Returns:
        the foreground, or None where nothing stands out from the border.
    """
    height, width = pixels.shape[:2]
    # In steps of 1/64 the sums behind a mean colour are exact, whatever their order: a browser
    # finds the same clusters.
    lab = np.round(_blurred(lab_of(pixels)) * 64) / 64
    colours = lab.reshape(-1, 3)
    border = border_of(height, width)
    y, x = (np.arange(height) + 0.5) / height * 2 - 1, (np.arange(width) + 0.5) / width * 2 - 1
    prior = MIDDLE * (1 - 1.6 * (y[:, None] ** 2 + x**2)) - 1.5 * border
    surprise = (
        -Mixture(colours, border.ravel(), BACKGROUND_PARTS)
        .log_density(colours)
        .reshape(height, width)
    )
    usual = float(np.median(surprise[border]))
    spread = float(np.percentile(surprise[border], 90)) - usual + 1
    odds = 1.5 * np.clip((surprise - usual - 1.5 * spread) / spread, -2, 2) + prior
    links = _links(lab)
    for _ in range(TURNS):
        inside = (_mean_field(odds, links) > 0).ravel()
        if min(inside.sum(), (~inside).sum()) < FEWEST:
            break
        thing, floor = (
            Mixture(colours, inside, FOREGROUND_PARTS),
            Mixture(colours, ~inside, BACKGROUND_PARTS),
        )
        odds = (thing.log_density(colours) - floor.log_density(colours)).reshape(
            height, width
        ) + prior
    return _whole(_mean_field(odds, links) > 0, border)


def border_of(height: int, width: int) -> NDArray[np.bool_]:
    """The pixels along the border: bool [H, W]."""
    wide = max(2, round(BORDER * min(height, width)))
    border = np.ones((height, width), np.bool_)
    border[wide:-wide, wide:-wide] = False
    return border


def lab_of(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """sRGB as CIE Lab (D65), in which equal distances look equally different: [H, W, 3]."""
    light = _LINEAR[pixels] @ _TO_XYZ
    curved = np.where(light > 0.008856, np.cbrt(light), 7.787 * light + 16 / 116)
    first, second, third = curved[..., 0], curved[..., 1], curved[..., 2]
    return np.stack([116 * second - 16, 500 * (first - second), 200 * (second - third)], axis=-1)


_BYTES = np.arange(256) / 255
_LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4)
_TO_XYZ = np.array(
    [[0.412453, 0.212671, 0.019334], [0.357580, 0.715160, 0.119193], [0.180423, 0.072169, 0.950227]]
) / np.array([0.950456, 1.0, 1.088754])


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Gaussian of 0.8 pixels, the border repeated."""
    weights = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 0.8**2))
    weights = weights / weights.sum()
    for axis in (0, 1):
        padding = [(2, 2) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(values, padding, mode="edge")
        count = values.shape[axis]
        values = sum(w * padded.take(range(i, i + count), axis) for i, w in enumerate(weights))
    return values


Link = tuple[tuple[slice, slice], tuple[slice, slice], NDArray[np.float64]]


def _links(lab: NDArray[np.float64]) -> list[Link]:
    """For each direction: one end, the other end, and how much they belong together, 0..1, less
    across an edge.
    """
    height, width = lab.shape[:2]
    ends = []
    for down, right, weight in _OFFSETS:
        one = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        other = (slice(down, height), slice(max(0, right), width + min(0, right)))
        ends.append((one, other, ((lab[one] - lab[other]) ** 2).sum(axis=2), weight))
    total = sum(float(d.sum()) for *_, d, _ in ends) / sum(d.size for *_, d, _ in ends)
    return [
        (one, other, NEIGHBOURS * w * np.exp(-d / (2 * total + 1e-6))) for one, other, d, w in ends
    ]


def _mean_field(odds: NDArray[np.float64], links: list[Link]) -> NDArray[np.float64]:
    """Log odds of each pixel when its neighbours are heard."""
    own = np.clip(odds, -MOST_CERTAIN, MOST_CERTAIN)
    field = own
    for _ in range(STEPS):
        leaning = np.tanh(field / 2)  # twice the probability, less one
        field = own.copy()
        for one, other, weight in links:
            field[one] += weight * leaning[other]
            field[other] += weight * leaning[one]
    return field


def _whole(mask: NDArray[np.bool_], border: NDArray[np.bool_]) -> Foreground | None:
    """The pieces that count, holes filled: large, near the middle, and not along the border."""
    from scipy import ndimage

    height, width = mask.shape
    pieces, count = ndimage.label(ndimage.binary_opening(mask, np.ones((3, 3))), np.ones((3, 3)))
    if not count:
        return None
    numbers = np.arange(1, count + 1)
    area = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    middles = np.array(ndimage.center_of_mass(mask, pieces, numbers))
    away = (((middles + 0.5) / (height, width) - 0.5) ** 2).sum(axis=1)
    along = np.bincount(pieces[border], minlength=count + 1)[1:] / border.sum()
    weight = area * np.exp(-2 * away) * (1 - along)
    kept = numbers[weight > 0.25 * weight.max()]
    whole = ndimage.binary_fill_holes(np.isin(pieces, kept))
    return Foreground(np.asarray(whole), len(kept), float((whole & border).sum() / border.sum()))
