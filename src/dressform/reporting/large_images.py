"""`large_images`: images for a person to look at closely, larger than a page's tiles."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.errors import DataError
from dressform.core.ordered_pool import map_in_order
from dressform.core.threads import cores
from dressform.data.contents import ImageSource
from dressform.data.image import open_image
from dressform.reporting.page.blobs import Blob
from dressform.reporting.page.photos import MAX_SIDE, large_blob
from dressform.reporting.page.sheets import MAX_TILE_SIDE

MAX_LARGE_IMAGES = 1000
"""On one page; a photo takes about 10 kB."""
BATCH_SIZE = 16


def large_images(
    images: NDArray[np.uint8], sources: Sequence[ImageSource | None], order: Sequence[int]
) -> dict[int, Blob]:
    """Images that have more pixels than a tile shows.

    Args:
        images: uint8 [N, H, W, C], as they were examined.
        sources: what each was decoded from [N], or None for those of an array.
        order: numbers of the images, the most important first; from ``MAX_LARGE_IMAGES`` on they
            are left out.

    Returns:
        number -> WebP file named ``large-<number>``, its aspect ratio kept. Left out are images
        that a tile shows whole, and those whose file cannot be read any more.
    """
    small = max(images.shape[1:3]) <= MAX_TILE_SIDE
    chosen = [i for i in order if sources[i] is not None or not small][:MAX_LARGE_IMAGES]

    def shrink(numbers: Sequence[int]) -> list[tuple[int, Blob | None]]:
        return [(number, _large(number, images[number], sources[number])) for number in numbers]

    with warnings.catch_warnings():  # of Pillow, which were shown when the data were read
        warnings.simplefilter("ignore")
        found = list(map_in_order(shrink, chosen, BATCH_SIZE, cores()))
    return {number: blob for number, blob in found if blob is not None}


def _large(number: int, pixels: NDArray[np.uint8], source: ImageSource | None) -> Blob | None:
    image = Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels)
    if source is not None:
        try:
            image = open_image(source.source(), source.name, draft=2 * MAX_SIDE)
        except DataError:
            return None
        if max(image.size) <= MAX_TILE_SIDE:
            return None
    return large_blob(number, image)
