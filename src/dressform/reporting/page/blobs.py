"""Data inside a page: packed arrays, texts and images, each in a script element that no browser
runs.
"""

import base64
import gzip
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TYPES = {"uint8": "u1", "uint16": "u2", "uint32": "u4", "int32": "i4", "float32": "f4"}


@dataclass(frozen=True, eq=False)
class Blob:
    """A named piece of data.

    Attributes:
        name: unique on the page.
        type: ``u1``, ``u2``, ``u4``, ``i4``, ``f4``, ``text``, ``bytes``, or an image's media type.
        content: the bytes; gzipped, except those of images.
        shape: of an array.
    """

    name: str
    type: str
    content: bytes
    shape: tuple[int, ...] = ()

    def html(self) -> str:
        """The script element."""
        packing = "" if "/" in self.type else ' data-packing="gzip"'
        shape = ",".join(map(str, self.shape))
        text = base64.b64encode(self.content).decode()
        return (
            f'<script type="text/plain" id="blob-{self.name}" data-type="{self.type}" '
            f'data-shape="{shape}"{packing}>{text}</script>'
        )


def array_blob(name: str, values: NDArray[np.generic]) -> Blob:
    """An array of uint8, uint16, uint32, int32 or float32, little-endian."""
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
    return Blob(
        name, _TYPES[values.dtype.name], gzip.compress(little.tobytes(), 6, mtime=0), values.shape
    )


def text_blob(name: str, text: str) -> Blob:
    """A text."""
    return Blob(name, "text", gzip.compress(text.encode(), 6, mtime=0))
