"""Many small pictures in few large ones."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.data.image import image_grid
from dressform.report.page.blobs import Blob

SIDE = 4096
"""Largest side of a sheet in pixels: what every browser and graphics card takes as a texture."""
LARGEST_TILE = 64
"""Pictures with longer sides are shrunk."""


@dataclass(frozen=True, eq=False)
class Sheets:
    """Pictures by their number, in sheets.

    Attributes:
        document: a list for the page's JSON, one entry per sheet: blob, first, count, columns,
            width, height.
        blobs: the files.
    """

    document: list[dict[str, Any]]
    blobs: list[Blob]


def make_sheets(
    images: NDArray[np.uint8], *, first: int = 0, name: str = "sheet", quality: int | None = None
) -> Sheets:
    """Pack pictures.

    Args:
        images: uint8 [N, H, W, C].
        first: number of the first picture.
        name: prefix of the blobs.
        quality: of WebP, 0 to 100; None keeps every pixel (pictures that had to be shrunk get 85).
    """
    images, shrunk = _small(images)
    count, height, width, _ = images.shape
    if quality is None and shrunk:
        quality = 85
    columns, rows = SIDE // width, SIDE // height
    document, blobs = [], []
    for part, start in enumerate(range(0, count, columns * rows)):
        tiles = images[start : start + columns * rows]
        across = min(columns, max(1, round(len(tiles) ** 0.5)))
        picture = image_grid(tiles, across)
        stream = io.BytesIO()
        if quality is None:
            picture.save(stream, "PNG", compress_level=6)
        else:
            picture.convert("RGB").save(stream, "WEBP", quality=quality, method=2)
        kind = "image/png" if quality is None else "image/webp"
        blobs.append(Blob(f"{name}-{part}", kind, stream.getvalue()))
        place = {
            "blob": f"{name}-{part}",
            "first": first + start,
            "count": len(tiles),
            "columns": across,
        }
        document.append({**place, "width": width, "height": height})
    return Sheets(document, blobs)


def _small(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Pictures no larger than a tile may be, by averaging whole blocks of pixels."""
    factor = -(-max(images.shape[1:3]) // LARGEST_TILE)
    if factor == 1:
        return images, False
    down, across = (min(factor, side) for side in images.shape[1:3])
    height, width = images.shape[1] // down * down, images.shape[2] // across * across
    cut = images[:, :height, :width].reshape(
        len(images), height // down, down, width // across, across, -1
    )
    return cut.mean(axis=(2, 4)).round().astype(np.uint8), True
