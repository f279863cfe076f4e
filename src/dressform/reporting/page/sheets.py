"""Many small images packed into a few large ones."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.data.image import image_grid
from dressform.reporting.page.blobs import Blob
from dressform.reporting.page.schema import SheetDocument

SIDE = 4096
"""Largest side of a sheet in pixels: what every browser and graphics card takes as a texture."""
MAX_TILE_SIDE = 64
"""Images with longer sides are shrunk."""
SHRUNK_QUALITY = 85
"""WebP quality of images that had to be shrunk, where none is given."""


@dataclass(frozen=True, eq=False)
class Sheets:
    """Images in sheets.

    Attributes:
        documents: an entry per sheet for the page's JSON.
        blobs: the sheets as PNG or WebP files.
    """

    documents: list[SheetDocument]
    blobs: list[Blob]


def make_sheets(
    images: NDArray[np.uint8], *, first: int = 0, name: str = "sheet", quality: int | None = None
) -> Sheets:
    """Pack images.

    Args:
        images: uint8 [N, H, W, C].
        first: number of the first image on the page.
        name: prefix of the blobs.
        quality: of WebP, 0 to 100; None keeps every pixel of images that are not shrunk.
    """
    images, shrunk = _shrunk(images)
    count, height, width, _ = images.shape
    if quality is None and shrunk:
        quality = SHRUNK_QUALITY
    per_row, per_column = SIDE // width, SIDE // height
    documents, blobs = list[SheetDocument](), []
    for part, start in enumerate(range(0, count, per_row * per_column)):
        tiles = images[start : start + per_row * per_column]
        columns = min(per_row, max(1, round(len(tiles) ** 0.5)))
        sheet, stream = image_grid(tiles, columns), io.BytesIO()
        if quality is None:
            sheet.save(stream, "PNG", compress_level=6)
        else:
            sheet.convert("RGB").save(stream, "WEBP", quality=quality, method=2)
        media_type = "image/png" if quality is None else "image/webp"
        blobs.append(Blob(f"{name}-{part}", media_type, stream.getvalue()))
        documents.append(
            {
                "blob": f"{name}-{part}",
                "first": first + start,
                "count": len(tiles),
                "columns": columns,
                "width": width,
                "height": height,
            }
        )
    return Sheets(documents, blobs)


def _shrunk(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Images no larger than a tile may be, by averaging blocks of pixels; and whether they had to
    be shrunk.
    """
    factor = -(-max(images.shape[1:3]) // MAX_TILE_SIDE)
    if factor == 1:
        return images, False
    down, across = (min(factor, side) for side in images.shape[1:3])
    height, width = images.shape[1] // down * down, images.shape[2] // across * across
    blocks = images[:, :height, :width].reshape(
        len(images), height // down, down, width // across, across, -1
    )
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8), True
