"""Uploaded images: decoded once to see that they are images, then stored as they came."""

import io
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from dressform.core.errors import DataError
from dressform.data.image import open_image
from dressform.service.errors import TooLargeError
from dressform.service.settings import ServiceSettings

MAX_NAME = 200
THUMBNAIL = 160
"""Longer side of a thumbnail, in pixels."""


@dataclass(frozen=True)
class Upload:
    """An image file that can be used.

    Attributes:
        name: of the file, without folders.
        content: its bytes.
        format: as Pillow names it.
        width: pixels, upright.
        height: pixels, upright.
    """

    name: str
    content: bytes
    format: str
    width: int
    height: int


def read_upload(content: bytes, name: str, settings: ServiceSettings) -> Upload:
    """Check an uploaded image by decoding it.

    Args:
        content: the file's bytes.
        name: as the client calls it; only its last part is kept, and never used as a path.
        settings: the limits.

    Raises:
        TooLargeError: it has too many bytes or pixels.
        DataError: it is no image that can be decoded.
    """
    name = file_name(name)
    if len(content) > settings.max_image:
        raise TooLargeError(
            f"{name} has {len(content):,} bytes; allowed: {settings.max_image:,}; save it smaller"
        )
    image = open_image(content, name, draft=2 * THUMBNAIL)
    try:
        with PillowImage.open(io.BytesIO(content)) as header:
            found, size = str(header.format), header.size
    except UnidentifiedImageError:  # pillow-heif has decoded it
        found, size = "HEIF", image.size
    if size[0] * size[1] > settings.max_pixels:
        raise TooLargeError(
            f"{name} is {size[0]:,} x {size[1]:,} pixels; allowed: {settings.max_pixels:,} in "
            f"total; resize it"
        )
    width, height = size
    if (width > height) != (image.width > image.height) and width != height:
        width, height = height, width  # turned upright
    return Upload(name, content, found, width, height)


def check_pixels(content: bytes, name: str, most: int) -> None:
    """Check the size that an image declares, before it is decoded, to have at most so many pixels.

    Raises:
        DataError: it has more pixels than allowed. Other faults are left to the decoder.
    """
    try:
        with PillowImage.open(io.BytesIO(content)) as header:
            width, height = header.size
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
        return
    if width * height > most:
        raise DataError(
            f"{name} is {width:,} x {height:,} pixels; allowed: {most:,} in total; resize it"
        )


def file_name(name: str) -> str:
    """The last part of a client's file name, one line of at most 200 characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    cleaned = "".join(c for c in last if c.isprintable()).strip()
    return cleaned[-MAX_NAME:] or "image"


def thumbnail(content: bytes) -> bytes:
    """A JPEG of an image whose longer side has at most 160 pixels.

    Raises:
        DataError: it cannot be decoded.
    """
    image = open_image(content, "image", draft=THUMBNAIL)
    image.thumbnail((THUMBNAIL, THUMBNAIL), PillowImage.Resampling.BOX)
    out = io.BytesIO()
    try:
        image.save(out, "JPEG", quality=80)
    except OSError as error:
        raise DataError(f"the thumbnail cannot be made ({error})") from error
    return out.getvalue()
