"""Images for a notebook's output, within its HTML."""

import base64
import html
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.display import Markup

SIDE = 56
"""Longer side in pixels as it is shown."""


def thumbnail(pixels: NDArray[np.uint8], *, title: str = "", side: int = SIDE) -> Markup:
    """An image as an element of HTML.

    Args:
        pixels: uint8 [H, W], [H, W, 1] or [H, W, 3].
        title: shown by the pointer, and read aloud.
        side: longer side in pixels; smaller images are enlarged, their pixels stay sharp.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels.squeeze()))
    longest = max(image.size)
    if longest > 2 * side:
        image.thumbnail((2 * side, 2 * side))
    width, height = (max(1, round(side * length / max(image.size))) for length in image.size)
    kind = "JPEG" if image.mode == "RGB" and longest > side else "PNG"
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    text = html.escape(title)
    sharp = "; image-rendering: pixelated" if longest < side else ""
    return Markup(
        f'<img src="data:image/{kind.lower()};base64,{data}" alt="{text}" '
        f'title="{text}" width="{width}" '
        f'height="{height}" style="display: inline-block; margin: 1px{sharp}">'
    )
