"""Image files, decoded: the same code for training from a folder and for prediction."""

import errno
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dressform.core.errors import DataError, ResourceError
from dressform.core.file_kinds import kind_of_start

FORMATS = {
    # those that Pillow knows at once come first: any other makes it load all its decoders
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "PNG": (".png", ".apng"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx"),
    "DIB": (".dib",),
    "ICO": (".ico",),
    "PCX": (".pcx",),
    "PSD": (".psd",),
    "QOI": (".qoi",),
    "DDS": (".dds",),
    "SGI": (".sgi", ".rgb"),
    "TGA": (".tga",),
}
"""Pillow's decoders that are used, and the suffixes of their files. Left out are those that start
another program (EPS), need one (WMF, FITS), or know no still images (MPEG).
"""
HEIF_SUFFIXES = (".heic", ".heif", ".hif")
SUFFIXES = (*(suffix for suffixes in FORMATS.values() for suffix in suffixes), *HEIF_SUFFIXES)
"""Of files that are images by their names, in lower case."""
ALLOWED = "PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF and others that Pillow decodes; HEIC by an extra"
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
MOST_DEFLATED = 1100
"""A byte of a PNG file cannot hold more than this; it can declare more, for which memory would be
reserved (https://zlib.net/zlib_tech.html: 1032).
"""
MAX_PIXELS = 64_000_000
"""Largest image that is decoded (about 8,000 x 8,000); larger ones are refused before their pixels
are read.
"""


_ALPHA = "alpha channel"
"""In the ``info`` of a decoded image, where a pixel was transparent altogether."""
DRAFT_FACTOR = 8
"""A JPEG is decoded at a reduced scale only where its sides stay so many times as long as those
that it is then shrunk to: with 2, one small colour photo in fifty gets another class than decoded
whole, as browsers do it.
"""


def open_image(
    source: Path | bytes, name: str | None = None, *, draft: int | None = None
) -> Image.Image:
    """Decode an image to mode ``L`` or ``RGB``: upright by EXIF, transparency over white, the first
    frame of several.

    Args:
        source: a file or its bytes, in one of ``FORMATS``, or HEIC where pillow-heif is installed.
        name: name for messages; default: the path.
        draft: lets JPEG be decoded at a reduced scale whose sides have at least this many pixels;
            ``DRAFT_FACTOR`` times those of the result leave it what it is.

    Raises:
        DataError: the file is missing, damaged, not an image, or larger than ``MAX_PIXELS``.
        ResourceError: there is not enough memory, or too many files are open.
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own size warning; ours is stricter
            with _opened(source, name) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise DataError(
                        f"{name} is {width:,} x {height:,} pixels; allowed: at most "
                        f"{MAX_PIXELS:,} in total; resize it"
                    )
                if image.format == "PNG" and _least_bytes(source, width * height) > _size_of(
                    source
                ):
                    raise DataError(
                        f"{name} is a damaged image (it declares {width:,} x {height:,} pixels in "
                        f"{_size_of(source):,} bytes); replace or remove it"
                    )
                if draft is not None:
                    image.draft(image.mode, (draft, draft))
                ImageOps.exif_transpose(image, in_place=True)
                return _to_l_or_rgb(image)
    except (DataError, ResourceError):
        raise
    except FileNotFoundError:
        raise DataError(f"{name} does not exist") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; give an image file") from None
    except Image.DecompressionBombError:
        raise DataError(f"{name} declares more than {MAX_PIXELS:,} pixels; resize it") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is not an image ({_describe_start(source)}); allowed: {ALLOWED}"
        ) from None
    except PermissionError:
        raise DataError(
            f"{name} cannot be read: permission denied; change its permissions"
        ) from None
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        if isinstance(error, MemoryError) and _ends_within_a_chunk(source):
            reason = "a part of it declares more bytes than there are"
        else:
            raise_if_out_of_resources(error, name)
        raise DataError(f"{name} is a damaged image ({reason}); replace or remove it") from error


def _opened(source: Path | bytes, name: str) -> Image.Image:
    """The image, not decoded yet; HEIC by pillow-heif."""
    # TGA files have no mark of their own, so that nearly anything could be one.
    formats = [f for f in FORMATS if f != "TGA" or name.lower().endswith(".tga")]
    Image.preinit()  # or the suffix of a file decides which decoder is known at once
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, "r", formats)
    except UnidentifiedImageError:
        brand = _start_of(source)[4:12]
        if brand[:4] != b"ftyp" or brand[4:] not in HEIF_BRANDS:
            raise
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise DataError(
            f"{name} is an HEIC image; install pillow-heif (pip install 'dressform[heic]'), or "
            f"export it as JPEG"
        ) from None
    image: Image.Image = HeifImageFile(  # type: ignore[no-untyped-call]
        io.BytesIO(source) if isinstance(source, bytes) else str(source)
    )
    return image


def upright(image: Image.Image, name: str = "image") -> Image.Image:
    """Convert an open image of any mode as :func:`open_image` does.

    Raises:
        DataError: it is damaged (Pillow reads pixels on first use), empty, or larger than
            ``MAX_PIXELS``.
    """
    width, height = image.size
    if not 0 < width * height <= MAX_PIXELS:
        raise DataError(
            f"{name} is {width:,} x {height:,} pixels; allowed: 1 to {MAX_PIXELS:,} in total"
        )
    try:
        return _to_l_or_rgb(ImageOps.exif_transpose(image))
    except Exception as error:
        raise_if_out_of_resources(error, name)
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{name} is a damaged image ({reason}); replace or remove it") from error


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


_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"\xff\xd8\xff"),
    (0, b"GIF8"),
    (0, b"II*\x00"),
    (0, b"MM\x00*"),
    (8, b"WEBP"),
    (4, b"ftypavif"),
    (4, b"ftyphei"),
    (4, b"ftypmif1"),
)
"""Offset and first bytes of image files, for those whose names do not tell."""


def starts_like_image(start: bytes) -> bool:
    """Whether a file that begins so (16 bytes are enough) is an image of a usual form."""
    return any(start.startswith(signature, offset) for offset, signature in _SIGNATURES)


def _ends_within_a_chunk(source: Path | bytes) -> bool:
    """Whether a PNG file declares a chunk that is longer than what is left of it: Pillow asks for
    that memory before it reads.
    """
    size, place = _size_of(source), 8
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        is_png = file.read(4) == b"\x89PNG"
        while is_png and place + 8 <= size:
            file.seek(place)
            place += 12 + int.from_bytes(file.read(4), "big")
    return is_png and place > size


def _least_bytes(source: Path | bytes, pixels: int) -> int:
    """Bytes that a PNG file of so many pixels has at least; their depth and colours stand in its
    header.
    """
    start = _start_of(source)
    depth, channels = start[24], {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(start[25], 1)
    return pixels * channels * depth // 8 // MOST_DEFLATED


def _size_of(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _start_of(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:200]
    with source.open("rb") as file:
        return file.read(200)


def _describe_start(source: Path | bytes) -> str:
    head = _start_of(source)
    kind = kind_of_start(head)
    if kind:
        return f"it is {kind}"
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "it is text"
    return f"it starts with {head[:12]!r}" if head else "it is empty"


def _to_l_or_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        return Image.fromarray(_to_8_bits(np.asarray(image)))
    if image.mode in ("LA", "La"):
        grey, alpha = image.convert("LA").split()
        return _with_alpha(Image.composite(grey, Image.new("L", image.size, 255), alpha), alpha)
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        return _over_white(image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _over_white(image: Image.Image) -> Image.Image:
    """A transparent image over white, some rows at a time: a large one takes four copies."""
    width, height = image.size
    result, alpha = Image.new("RGB", image.size), Image.new("L", image.size)
    rows = max(1, 2**22 // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height))).convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        result.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, top))
        alpha.paste(strip.getchannel("A"), (0, top))
    return _with_alpha(result, alpha)


def _with_alpha(image: Image.Image, alpha: Image.Image) -> Image.Image:
    if alpha.getextrema()[0] == 0:
        image.info[_ALPHA] = alpha
    return image


def alpha_of(image: Image.Image) -> Image.Image | None:
    """How opaque an image from :func:`open_image` was, mode ``L``, 0 to 255; None where no pixel
    was transparent altogether.
    """
    alpha = image.info.get(_ALPHA)
    return alpha if isinstance(alpha, Image.Image) else None  # a file may have text of that name


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values of more than 8 bits, or floats, as 8 bits [H, W]; what is no number is black.

    Whole numbers are taken to fill the smallest of 8, 12, 16 and 32 bits that holds the largest:
    cameras and scanners write 12 bits into files of 16.
    """
    largest = float(values.max(initial=0, where=np.isfinite(values)))
    if np.issubdtype(values.dtype, np.floating):
        white = 1.0 if largest <= 1 else 255.0 if largest <= 255 else 65535.0
    else:
        white = next(float(2**bits - 1) for bits in (8, 12, 16, 32) if largest < 2**bits)
    result = np.empty(values.shape, np.uint8)
    rows = max(1, 2**20 // max(1, values.shape[1]))  # a few megabytes of floats at a time
    for start in range(0, len(values), rows):
        block = np.nan_to_num(values[start : start + rows].astype(np.float64) * (255 / white))
        result[start : start + rows] = block.clip(0, 255).round()
    return result


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
