"""Image files as arrays of pixels: the same code for training from a folder and for prediction.

An image that already has the target size keeps its pixels. Any other is scaled to fit by area
averaging and padded with the median colour of its border; it is never distorted or cropped.
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
"""Largest image that is decoded (about 8,000 x 8,000); larger ones are refused before their pixels
are read.
"""


def open_image(
    source: Path | bytes, name: str | None = None, *, draft: int | None = None
) -> Image.Image:
    """Decode an image to mode ``L`` or ``RGB``: upright by EXIF, transparency over black, the first
    frame of several.

    Args:
        source: a file or its bytes.
        name: name for messages; default: the path.
        draft: lets JPEG be decoded at a reduced scale whose sides have at least this many pixels.

    Raises:
        DataError: the file is missing, damaged, not an image, or larger than ``MAX_PIXELS``.
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
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
                        f"{MAX_PIXELS:,} in total; resize it"
                    )
                if draft is not None:
                    image.draft(image.mode, (draft, draft))
                return _to_l_or_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise DataError(f"{name} does not exist") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; give an image file") from None
    except Image.DecompressionBombError:
        raise DataError(f"{name} declares more than {MAX_PIXELS:,} pixels; resize it") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is not an image ({_describe_start(source)}); allowed: PNG, JPEG, WebP, BMP, "
            f"GIF, TIFF"
        ) from None
    except PermissionError:
        raise DataError(f"{name} may not be read; check its permissions") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise_if_out_of_resources(error, name)
        raise DataError(f"{name} is a damaged image ({error}); replace or remove it") from error


def raise_if_out_of_resources(error: BaseException, name: str) -> None:
    """Raise a clear error if the cause was a lack of memory or file handles.

    Raises:
        ResourceError: it was.
    """
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    ):
        raise ResourceError(
            f"there is not enough memory to read {name}; close other programs or raise this one's "
            f"limit"
        ) from error
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        raise ResourceError(
            f"too many files are open to read {name}; raise the limit (ulimit -n)"
        ) from error


def _describe_start(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        head = source[:12]
    else:
        with source.open("rb") as file:
            head = file.read(12)
    return f"it starts with {head!r}" if head else "it is empty"


def _to_l_or_rgb(image: Image.Image) -> Image.Image:
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
    """Fit a decoded image to a model's input.

    Args:
        image: mode ``L`` or ``RGB``.
        shape: target height, width and channels (1 or 3).

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
    return tuple(int(value) for value in np.median(border_pixels(plane)[0], axis=0))


def border_pixels(images: NDArray[Any]) -> NDArray[Any]:
    """The border pixels of images [N, H, W, ...], corners twice: [N, 2 W + 2 H, ...]."""
    return np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file below ``folder``, or a folder in between, has a name with a leading dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def is_grey(image: Image.Image) -> bool:
    """Whether a decoded image is grey: mode ``L``, or equal red, green and blue everywhere."""
    if image.mode == "L":
        return True
    pixels = np.asarray(image)
    return bool(
        (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    )


def image_grid(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Arrange images in a grid, row by row; unused cells are black.

    Args:
        images: uint8 [N, H, W, C], C 1 or 3.
        columns: images per row.

    Returns:
        a grey or RGB image, columns x W wide and ceil(N / columns) x H high.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    padded = np.zeros((rows * columns, height, width, channels), np.uint8)
    padded[:count] = images
    cells = padded.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    grid = cells.reshape(rows * height, columns * width, channels)
    return Image.fromarray(np.ascontiguousarray(grid[..., 0] if channels == 1 else grid))
