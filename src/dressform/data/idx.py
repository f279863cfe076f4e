"""IDX files, the format of MNIST and Fashion-MNIST, plain or gzip.
https://yann.lecun.com/exdb/mnist (format section).
"""

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import gunzip, sha256_bytes
from dressform.data.file_tree import File
from dressform.data.provenance import refuse_mnist

LABELS_MAGIC = 0x00000801
IMAGES_MAGIC = 0x00000803
EXTENDED_LABELS_MAGIC = 0x00000C02
"""QMNIST's labels: a row of whole numbers for each image, of which the first is the class
(https://github.com/facebookresearch/qmnist).
"""
MAX_UNKNOWN_BYTES = 2**20
"""Bytes decompressed from a file that is not IDX."""
MAX_BYTES = 2**33
"""Bytes decompressed from any file, whatever its header declares."""


_DIMENSIONS = {LABELS_MAGIC: 1, IMAGES_MAGIC: 3, EXTENDED_LABELS_MAGIC: 2}


@dataclass(frozen=True)
class IdxFile:
    """The contents of an IDX file.

    Attributes:
        array: uint8 [N, H, W] (images), or [N] (labels).
        sha256: of the decompressed bytes.
    """

    array: NDArray[Any]
    sha256: str


def read_idx(path: Path | File) -> IdxFile:
    """Read one IDX file of unsigned bytes, or of QMNIST's labels.

    Raises:
        DataError: the file is missing, truncated, damaged, not IDX, or a file of MNIST.
    """
    name = path.name if isinstance(path, File) else str(path)
    try:
        raw = path.read() if isinstance(path, File) else path.read_bytes()
        content = gunzip(raw, _declared_bytes(raw)) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise DataError(f"{name} does not exist") from None
    except ValueError as error:
        raise DataError(
            f"{name} is too long: {error}, the size that its header declares; download it again"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{name} is a damaged gzip file ({error}; {len(raw):,} bytes); download it again"
        ) from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from error
    magic = int.from_bytes(content[:4], "big")
    if magic not in _DIMENSIONS or len(content) < 4:
        raise DataError(
            f"{name} starts with 0x{content[:4].hex()}; an IDX file starts with "
            f"0x{LABELS_MAGIC:08x} (labels)"
            f" or 0x{IMAGES_MAGIC:08x} (images); give a file in IDX format"
        )
    dimensions = _DIMENSIONS[magic]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{name} ends within its header ({len(content)} bytes); download it again")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    size = 4 if magic == EXTENDED_LABELS_MAGIC else 1
    expected = header + size * int(np.prod(shape, dtype=object))
    if len(content) != expected:
        state = "truncated" if len(content) < expected else "too long"
        raise DataError(
            f"{name} is {state}: its header declares {' x '.join(map(str, shape))} = {expected:,} "
            f"bytes, but it has {len(content):,}; download it again"
        )
    digest = sha256_bytes(content)
    refuse_mnist(digest, Path(name))
    array: NDArray[Any] = np.frombuffer(content, ">i4" if size == 4 else np.uint8, offset=header)
    array = array.reshape(shape)
    return IdxFile(array[:, 0] if size == 4 and shape[1] else array, digest)


def _declared_bytes(raw: bytes) -> int:
    """Size of the decompressed file according to its header, in bytes; for files that are not IDX,
    enough to recognise them.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        start = file.read(16)
    magic = int.from_bytes(start[:4], "big")
    dimensions = _DIMENSIONS.get(magic)
    header = 4 + 4 * (dimensions or 0)
    if dimensions is None or len(start) < header:
        return len(start) + MAX_UNKNOWN_BYTES
    declared = header + (4 if magic == EXTENDED_LABELS_MAGIC else 1) * int(
        np.prod(struct.unpack(f">{dimensions}I", start[4:header]), dtype=object)
    )
    return min(declared, MAX_BYTES)


def read_pair(images_path: Path | File, labels_path: Path | File) -> tuple[IdxFile, IdxFile]:
    """Read an images file and its labels file.

    Raises:
        DataError: a file is unusable, the two are swapped, or their counts differ.
    """
    images, labels = read_idx(images_path), read_idx(labels_path)
    first, second = (
        (p.name if isinstance(p, File) else str(p)) for p in (images_path, labels_path)
    )
    if images.array.ndim != 3:
        raise DataError(f"{first} holds labels; an images file (0x{IMAGES_MAGIC:08x}) was expected")
    if labels.array.ndim != 1:
        raise DataError(f"{second} holds images; a labels file (0x{LABELS_MAGIC:08x}) was expected")
    if len(images.array) != len(labels.array):
        raise DataError(
            f"{Path(first).name} has {len(images.array):,} images but {Path(second).name} has "
            f"{len(labels.array):,} labels;"
            " the two files do not belong together"
        )
    if not len(images.array):
        raise DataError(f"{first} has no images; add some, or leave it and its labels out")
    return images, labels
