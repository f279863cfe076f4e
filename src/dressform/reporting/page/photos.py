"""Larger versions of photos that the sheets hold as thumbnails only, for the opened image."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.predictions import Predictions
from dressform.reporting.page.blobs import Blob
from dressform.reporting.page.sheets import MAX_TILE_SIDE

MAX_SIDE = 320
"""Photos with longer sides are shrunk to it."""
QUALITY = 75
MAX_BYTES = 6_000_000
"""Of all photos of a page, before base64."""


def photo_blobs(images: NDArray[np.uint8], models: Sequence[Predictions]) -> list[Blob]:
    """The photos of a page as WebP files named ``large-<number>``, as many as fit into
    ``MAX_BYTES``; those that a model gets wrong first. None where the sheets hold every pixel.

    Args:
        images: uint8 [N, H, W, C].
        models: their predictions of these images.
    """
    if max(images.shape[1:3]) <= MAX_TILE_SIDE:
        return []
    wrong = np.zeros(len(images), dtype=np.bool_)
    for predictions in models:
        wrong |= predictions.predicted != predictions.labels
    blobs, total = list[Blob](), 0
    for number in np.argsort(~wrong, kind="stable").tolist():
        pixels = images[number]
        blob = large_blob(
            number, Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        )
        total += len(blob.content)
        if total > MAX_BYTES:
            break
        blobs.append(blob)
    return blobs


def large_blob(number: int, image: Image.Image) -> Blob:
    """A photo as a WebP file named ``large-<number>``, its aspect ratio kept."""
    photo = image.convert("RGB")
    photo.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    photo.save(stream, "WEBP", quality=QUALITY, method=2)
    return Blob(f"large-{number}", "image/webp", stream.getvalue())
