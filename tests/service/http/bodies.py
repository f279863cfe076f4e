"""Bodies that clients send."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image as PillowImage


def picture(seed: int = 0, size: tuple[int, int] = (12, 9), form: str = "PNG") -> bytes:
    """An image file of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, form)
    return out.getvalue()


def zip_of(
    files: Mapping[str, bytes] | list[tuple[zipfile.ZipInfo | str, bytes]],
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, content)
    return out.getvalue()
