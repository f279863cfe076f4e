"""`mosaic`: many pictures of one size laid side by side."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def mosaic(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Lay pictures out row by row; places that are left over are black.

    Args:
        images: uint8 [N, H, W, C], C 1 or 3.
        columns: pictures in a row.

    Returns:
        a grey or RGB picture, columns x W wide and ceil(N / columns) x H high.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    padded = np.zeros((rows * columns, height, width, channels), np.uint8)
    padded[:count] = images
    whole = padded.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    whole = whole.reshape(rows * height, columns * width, channels)
    return Image.fromarray(np.ascontiguousarray(whole[..., 0] if channels == 1 else whole))
