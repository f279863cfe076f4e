"""Decode many image files on all cores."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.threads import cores
from dressform.data.contents import ImageSource
from dressform.data.dataset import LeftOut
from dressform.data.image import fit, is_grey, open_image

MAX_ORIGINAL_SIDE = 128
DEFAULT_SIDE = 64
_TOGETHER = 32
"""Images that a thread decodes at a time."""


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """Images of one size.

    Attributes:
        pixels: uint8 [N, H, W, C]; grey (C 1) if no image has colour. Rows of bad files are zero.
        bad: row -> why its file cannot be used.
        note: how the size came about, or an empty text.
    """

    pixels: NDArray[np.uint8]
    bad: dict[int, LeftOut]
    note: str


class _OtherSizeError(Exception):
    """The images have several sizes, or large ones."""


def decode_all(sources: Sequence[ImageSource], image_size: int | None) -> DecodedImages:
    """Decode images and bring them to one size.

    Args:
        sources: the images.
        image_size: side in pixels that every image is fitted to; default: the common size of the
            images if they share one of at most ``MAX_ORIGINAL_SIDE``, else ``DEFAULT_SIDE``.

    Raises:
        ResourceError: there is not enough memory.
    """
    if image_size is not None:
        note = f"images fitted to {image_size} x {image_size}"
        return _decode(sources, (image_size, image_size), False, note)
    common = _first_size(sources)
    if common is not None and max(common) <= MAX_ORIGINAL_SIDE:
        try:
            return _decode(sources, common, True, "")
        except _OtherSizeError:
            pass
    side = DEFAULT_SIDE
    note = f"images fitted to {side} x {side}; --image-size sets another size"
    return _decode(sources, (side, side), False, note)


def _first_size(sources: Sequence[ImageSource]) -> tuple[int, int] | None:
    """Width and height of the first image that can be decoded."""
    for one in sources:
        try:
            return open_image(one.source(), one.name).size
        except DataError:
            continue
    return None


def _decode(
    sources: Sequence[ImageSource], size: tuple[int, int], exact: bool, note: str
) -> DecodedImages:
    width, height = size
    draft = None if exact else 2 * max(size)
    pixels = np.zeros((len(sources), height, width, 3), np.uint8)
    bad: dict[int, LeftOut] = {}
    coloured = [False]

    def decode(rows: range) -> None:
        for row in rows:
            one = sources[row]
            try:
                image = open_image(one.source(), one.name, draft=draft)
            except DataError as error:
                bad[row] = LeftOut(one.name, _reason(str(error), one.name))
                continue
            if exact and image.size != size:
                raise _OtherSizeError
            pixels[row] = fit(image, (height, width, 3))
            coloured[0] = coloured[0] or not is_grey(image)

    parts = [range(i, min(i + _TOGETHER, len(sources))) for i in range(0, len(sources), _TOGETHER)]
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(decode, parts):  # which cancels the rest when one fails
            pass
    channels = 3 if coloured[0] else 1
    return DecodedImages(pixels[..., :channels], dict(sorted(bad.items())), note)


def _reason(message: str, name: str) -> str:
    """What is wrong, without the name that stands beside it."""
    return message.removeprefix(name).strip()
