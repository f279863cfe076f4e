"""Images in the size of a model's input.

An image that already has the target size keeps its pixels. Any other is scaled to fit by area
averaging and padded with the median colour of its border; it is never distorted or cropped. The
pages for phones do the same (``web/classify/resample.js``).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def fit(image: Image.Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Fit a decoded image to a model's input.

    Args:
        image: mode ``L`` or ``RGB``.
        shape: target height, width and channels (1 or 3).

    Returns:
        uint8 [H, W, C].
    """
    height, width, channels = shape
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        scale = min(width / image.width, height / image.height)
        inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        border = _border_colour(image)
        resized = resize(image, inner, resampling)
        canvas = Image.new(image.mode, (width, height), border if channels == 3 else border[0])
        canvas.paste(resized, ((width - inner[0]) // 2, (height - inner[1]) // 2))
        image = canvas
    return np.asarray(image, dtype=np.uint8).reshape(height, width, channels)


def resize(image: Image.Image, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    """Resample an image, first along its rows and then along its columns.

    Pillow rounds to bytes in between, and which of the two comes first depends on its version and
    on the sizes: without this, a model would see other pixels after an upgrade.

    Args:
        image: mode ``L`` or ``RGB``.
        size: width and height of the result.
        resampling: of Pillow's filters.
    """
    return image.resize((size[0], image.height), resampling).resize(size, resampling)


def how_fitted(size: tuple[int, int], shape: tuple[int, int, int]) -> str:
    """What :func:`fit` does to an image, in words before the size: ``shrunk to``, ``enlarged to``,
    ``padded to``, or nothing where the image has that size.

    Args:
        size: width and height of the image.
        shape: target height, width and channels.
    """
    height, width, _ = shape
    if size == (width, height):
        return ""
    scale = min(width / size[0], height / size[1])
    return "shrunk to " if scale < 1 else "enlarged to " if scale > 1 else "padded to "


def _border_colour(image: Image.Image) -> tuple[int, ...]:
    """The median of the border in each channel, corners counted twice."""
    width, height = image.size
    edges = [(0, 0, width, 1), (0, height - 1, width, height)]
    edges += [(0, 0, 1, height), (width - 1, 0, width, height)]
    channels = len(image.getbands())
    border = np.concatenate([np.asarray(image.crop(e)).reshape(-1, channels) for e in edges])
    return tuple(int(value) for value in np.median(border, axis=0))


def border_pixels(images: NDArray[Any]) -> NDArray[Any]:
    """The border pixels of images [N, H, W, ...], corners twice: [N, 2 W + 2 H, ...]."""
    return np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
