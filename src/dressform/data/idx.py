"""IDX files, the format of MNIST and Fashion-MNIST, plain or gzip.
https://yann.lecun.com/exdb/mnist (format section).
"""

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import gunzip, sha256_bytes
from dressform.data.provenance import refuse_mnist

LABELS_MAGIC = 0x00000801
IMAGES_MAGIC = 0x00000803
MAX_UNKNOWN_BYTES = 2**20
"""Bytes decompressed from a file that is not IDX."""
MAX_BYTES = 2**33
"""Bytes decompressed from any file, whatever its header declares."""


@dataclass(frozen=True)
class IdxFile:
    """The contents of an IDX file.

    Attributes:
        array: uint8 [N] (labels) or [N, H, W] (images).
        sha256: of the decompressed bytes.
    """

    array: NDArray[np.uint8]
    sha256: str


def read_idx(path: Path) -> IdxFile:
    """Read one IDX file of unsigned bytes.

    Raises:
        DataError: the file is missing, truncated, damaged, not IDX, or a file of MNIST.
    """
    try:
        raw = path.read_bytes()
        content = gunzip(raw, _declared_bytes(raw)) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except ValueError as error:
        raise DataError(
            f"{path} is too long: {error}, the size that its header declares; download it again"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is a damaged gzip file ({error}; {len(raw):,} bytes); download it again"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    magic = int.from_bytes(content[:4], "big")
    if magic not in (LABELS_MAGIC, IMAGES_MAGIC) or len(content) < 4:
        raise DataError(
            f"{path} starts with 0x{content[:4].hex()}; an IDX file starts with "
            f"0x{LABELS_MAGIC:08x} (labels)"
            f" or 0x{IMAGES_MAGIC:08x} (images); give a file in IDX format"
        )
    dimensions = 1 if magic == LABELS_MAGIC else 3
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{path} ends within its header ({len(content)} bytes); download it again")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = header + int(np.prod(shape, dtype=object))
    if len(content) != expected:
        state = "truncated" if len(content) < expected else "too long"
        raise DataError(
            f"{path} is {state}: its header declares {' x '.join(map(str, shape))} = {expected:,} "
            f"bytes, but it has {len(content):,}; download it again"
        )
    digest = sha256_bytes(content)
    refuse_mnist(digest, path)
    return IdxFile(np.frombuffer(content, np.uint8, offset=header).reshape(shape), digest)


def _declared_bytes(raw: bytes) -> int:
    """Size of the decompressed file according to its header, in bytes; for files that are not IDX,
    enough to recognise them.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        start = file.read(16)
    dimensions = {LABELS_MAGIC: 1, IMAGES_MAGIC: 3}.get(int.from_bytes(start[:4], "big"))
    header = 4 + 4 * (dimensions or 0)
    if dimensions is None or len(start) < header:
        return len(start) + MAX_UNKNOWN_BYTES
    declared = header + int(
        np.prod(struct.unpack(f">{dimensions}I", start[4:header]), dtype=object)
    )
    return min(declared, MAX_BYTES)


def read_pair(images_path: Path, labels_path: Path) -> tuple[IdxFile, IdxFile]:
    """Read an images file and its labels file.

    Raises:
        DataError: a file is unusable, the two are swapped, or their counts differ.
    """
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.array.ndim != 3:
        raise DataError(
            f"{images_path} holds labels; an images file (0x{IMAGES_MAGIC:08x}) was expected"
        )
    if labels.array.ndim != 1:
        raise DataError(
            f"{labels_path} holds images; a labels file (0x{LABELS_MAGIC:08x}) was expected"
        )
    if len(images.array) != len(labels.array):
        raise DataError(
            f"{images_path.name} has {len(images.array):,} images but {labels_path.name} has "
            f"{len(labels.array):,} labels;"
            " the two files do not belong together"
        )
    return images, labels


def find_pair(folder: Path, stem: str) -> tuple[Path, Path] | None:
    """The images and labels files of a split such as ``train`` or ``t10k``, or None when the folder
    has neither.

    Raises:
        DataError: only one of the two is there.
    """
    paths: list[Path | None] = []
    for kind in ("images", "labels"):
        names = [
            f"{stem}-{kind}{dot}idx{3 if kind == 'images' else 1}-ubyte{gz}"
            for dot in "-."
            for gz in (".gz", "")
        ]
        paths.append(next((folder / name for name in names if (folder / name).is_file()), None))
    images, labels = paths
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        existing, missing = (images, "labels") if images else (labels, "images")
        assert existing is not None
        raise DataError(f"{folder} has {existing.name} but not its {missing} file; put both there")
    return images, labels
