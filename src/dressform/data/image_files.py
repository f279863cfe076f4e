"""Decode many image files on all cores."""

import contextlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, ResourceError
from dressform.core.memory import available_bytes
from dressform.core.ordered_pool import map_in_order
from dressform.core.text import one_line
from dressform.core.threads import cores
from dressform.data.contents import ImageSource
from dressform.data.dataset import LeftOut
from dressform.data.image import DRAFT_FACTOR, alpha_of, is_grey, open_image
from dressform.data.resample import fit

MAX_ORIGINAL_SIDE = 128
DEFAULT_SIDE = 64
FITTED = "images fitted to"
"""How a note on their size begins."""
_TOGETHER = 32
"""Images that a thread decodes at a time."""
_SMALL = 256 * 256
"""Pixels of images that one thread decodes faster than several, which wait for each other: what is
done to each in Python takes longer than decoding it.
"""


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """Images of one size.

    Attributes:
        pixels: uint8 [N, H, W, C]; grey (C 1) if no image has colour. Rows of bad files are zero.
        bad: row -> why its file cannot be used.
        note: how the size came about, or an empty text.
        transparent: how many have transparent pixels, which are white here.
    """

    pixels: NDArray[np.uint8]
    bad: dict[int, LeftOut]
    note: str
    transparent: int


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
    first = _first_size(sources)
    threads = 1 if first is None or first[0] * first[1] <= _SMALL else cores()
    if image_size is None and first is not None and max(first) <= MAX_ORIGINAL_SIDE:
        with contextlib.suppress(_OtherSizeError):
            return _decode(sources, first, threads, exact=True)
    side = image_size or DEFAULT_SIDE
    note = f"{FITTED} {side} x {side}"
    if image_size is None:
        note += "; image_size= sets another size"
    return replace(_decode(sources, (side, side), threads), note=note)


def _first_size(sources: Sequence[ImageSource]) -> tuple[int, int] | None:
    """Width and height of the first image that can be decoded."""
    for one in sources:
        try:
            return open_image(one.source(), one.name).size
        except DataError:
            continue
    return None


def _decode(
    sources: Sequence[ImageSource], size: tuple[int, int], threads: int, *, exact: bool = False
) -> DecodedImages:
    width, height = size
    draft = None if exact else DRAFT_FACTOR * max(size)
    _check_memory(len(sources), size)
    pixels = np.zeros((len(sources), height, width, 3), np.uint8)
    bad: dict[int, LeftOut] = {}
    coloured, transparent = [False], set[int]()

    def decode(rows: Sequence[int]) -> tuple[()]:
        for row in rows:
            one = sources[row]
            try:
                image = open_image(one.source(), one.name, draft=draft)
            except DataError as error:
                bad[row] = LeftOut(one.name, _reason(str(error), one.name))
                continue
            if exact and image.size != size:
                raise _OtherSizeError
            if alpha_of(image) is not None:
                transparent.add(row)
            pixels[row] = fit(image, (height, width, 3))
            coloured[0] = coloured[0] or not is_grey(image)
        return ()

    with warnings.catch_warnings():
        # A thread's own filter may be undone by another's: one is set around all.
        warnings.simplefilter("ignore")
        # Few batches wait at a time: a process that gives up a reading ends without the rest.
        for _ in map_in_order(decode, range(len(sources)), _TOGETHER, threads):
            pass
    channels = 3 if coloured[0] else 1
    return DecodedImages(pixels[..., :channels], dict(sorted(bad.items())), "", len(transparent))


def _check_memory(images: int, size: tuple[int, int]) -> None:
    """Refuse what will not fit, before an hour is spent on reading it."""
    needed, free = images * size[0] * size[1] * 3, available_bytes()
    if free is not None and needed > free:
        raise ResourceError(
            f"{images:,} images of {size[0]} x {size[1]} take {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB of memory are free; give a smaller image_size="
        )


def _reason(message: str, name: str) -> str:
    """What is wrong, without the name that stands beside it."""
    return message.removeprefix(one_line(name)).strip()
