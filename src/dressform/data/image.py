"""One picture file to one array of pixels: the same code for training from a folder and for
prediction.

A picture that already has the wanted size keeps its pixels. Any other is scaled by area averaging
until it fits and padded to the wanted shape with the median colour of its border, never squashed
and never cropped.
"""

import errno
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dressform.core.errors import DataError, ResourceError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 64_000_000
"""Largest picture that is decoded (about 8,000 x 8,000); larger ones are refused before their
pixels are read.
"""


def open_picture(
    source: Path | bytes, name: str | None = None, *, draft: int | None = None
) -> Image.Image:
    """Decode a picture to mode ``L`` or ``RGB``, turned upright, transparency over black, first
    frame of several.

    Args:
        source: a file or its bytes.
        name: what to call it in messages; default: the path.
        draft: let JPEG decode at a smaller scale whose sides are still at least this many pixels.

    Raises:
        DataError: missing, not a picture, damaged, or larger than ``MAX_PIXELS``.
    """
    name = name or (str(source) if isinstance(source, Path) else "picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own size warning; ours is stricter
            with Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS
            ) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise DataError(
                        f"{name} is {width:,} x {height:,} pixels; allowed: at most "
                        f"{MAX_PIXELS:,} in all, so make it smaller"
                    )
                if draft is not None:
                    image.draft(image.mode, (draft, draft))
                return _plain(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise DataError(f"{name} does not exist") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; a picture file was expected") from None
    except Image.DecompressionBombError:
        raise DataError(
            f"{name} announces more than {MAX_PIXELS:,} pixels; make it smaller"
        ) from None
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is not a picture ({_first_bytes(source)}); allowed: PNG, JPEG, WebP, BMP, "
            f"GIF, TIFF"
        ) from None
    except PermissionError:
        raise DataError(f"{name} may not be read; check its permissions") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        refuse_shortage(error, name)
        raise DataError(f"{name} is a damaged picture ({error}); replace or remove it") from error


def refuse_shortage(error: BaseException, name: str) -> None:
    """Tell that the machine lacks memory or file handles, where that is what an error says.

    Raises:
        ResourceError: it is.
    """
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    ):
        raise ResourceError(
            f"there is not enough memory to read {name}; close other programs, or allow this one "
            f"more"
        ) from error
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        raise ResourceError(
            f"too many files are open to read {name}; raise the limit (ulimit -n)"
        ) from error


def _first_bytes(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        head = source[:12]
    else:
        with source.open("rb") as file:
            head = file.read(12)
    return f"it starts with {head!r}" if head else "it is empty"


def _plain(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        values = np.asarray(image, dtype=np.float64)
        largest = values.max(initial=0)
        if image.mode.startswith("I;16") or largest > 255:
            scale = 255 / 65535
        else:
            scale = 255.0 if image.mode == "F" and largest <= 1 else 1.0
        return Image.fromarray((values * scale).clip(0, 255).round().astype(np.uint8))
    if image.mode in ("LA", "La"):
        grey, alpha = image.convert("LA").split()
        return Image.composite(grey, Image.new("L", image.size, 0), alpha)
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, rgba).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def fit(image: Image.Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Bring a decoded picture to a model's input.

    Args:
        image: mode ``L`` or ``RGB``.
        shape: wanted height, width and channels (1 or 3).

    Returns:
        uint8 [H, W, C].
    """
    height, width, channels = shape
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        scale = min(width / image.width, height / image.height)
        inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        border = _border_colour(np.asarray(image))
        resized = image.resize(inner, resampling)
        canvas = Image.new(image.mode, (width, height), border if channels == 3 else border[0])
        canvas.paste(resized, ((width - inner[0]) // 2, (height - inner[1]) // 2))
        image = canvas
    return np.asarray(image, dtype=np.uint8).reshape(height, width, channels)


def _border_colour(pixels: NDArray[np.uint8]) -> tuple[int, ...]:
    plane = pixels.reshape(1, pixels.shape[0], pixels.shape[1], -1)
    return tuple(int(value) for value in np.median(edges_of(plane)[0], axis=0))


def edges_of(images: NDArray[Any]) -> NDArray[Any]:
    """The pixels at the borders of pictures [N, H, W, ...], corners twice: [N, 2 W + 2 H, ...]."""
    return np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file below ``folder``, or a folder on the way to it, has a name that starts with a
    dot.
    """
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def is_grey(image: Image.Image) -> bool:
    """Whether a decoded picture has no colour: mode ``L``, or equal red, green and blue
    everywhere.
    """
    if image.mode == "L":
        return True
    pixels = np.asarray(image)
    return bool(
        (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    )
