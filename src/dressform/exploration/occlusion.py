"""Occlusion sensitivity: a saliency map of any classifier, of which only the logits are known.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"
(https://arxiv.org/abs/1311.2901), section 4.2: cover one part of the image after another and see
how much the probability of the predicted class drops.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dressform.data.resample import border_pixels

PATCHES = 8
"""A patch has a quarter of the image's sides and moves by an eighth of them."""
Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def occlusion(logits: Logits, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much the model's belief in its prediction depends on each part of each image.

    Args:
        logits: of images uint8 [N, H, W, C], float32 [N, K].
        images: uint8 [N, H, W, C].

    Returns:
        uint8 [N, h, w], 0 to 255, where 255 is the maximum of each image (all 0 if covering nothing
        lowers the probability); h and w at most 8. A cell has the mean drop of the log-probability
        of the predicted class over the patches that cover it. Patches have the median colour of the
        image's border, which is the background of most photos.
    """
    height, width = images.shape[1:3]
    edges = [
        np.linspace(0, side, min(PATCHES, side) + 1).round().astype(int) for side in (height, width)
    ]
    rows, columns = (len(edge) - 1 for edge in edges)
    maps = np.zeros((len(images), rows, columns), np.uint8)
    background = np.median(border_pixels(images), axis=1).astype(np.uint8)
    for i, image in enumerate(images):
        # A patch covers two cells each way; half of it lies outside at the edges.
        places = [(y, x) for y in range(-1, rows) for x in range(-1, columns)]
        covered = np.repeat(image[None], len(places) + 1, axis=0)
        for patch, (y, x) in zip(covered[1:], places, strict=True):
            top, left = edges[0][max(y, 0)], edges[1][max(x, 0)]
            bottom, right = edges[0][min(y + 2, rows)], edges[1][min(x + 2, columns)]
            patch[top:bottom, left:right] = background[i]
        log_probabilities = _log_softmax(logits(covered))
        predicted = int(log_probabilities[0].argmax())
        drops = log_probabilities[0, predicted] - log_probabilities[1:, predicted]
        grid = drops.reshape(rows + 1, columns + 1)
        mean = (grid[:-1, :-1] + grid[:-1, 1:] + grid[1:, :-1] + grid[1:, 1:]) / 4
        positive = np.maximum(mean, 0)
        if positive.max() > 0:
            maps[i] = np.round(255 * positive / positive.max())
    return maps


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
