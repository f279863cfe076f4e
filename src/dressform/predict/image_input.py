"""`ImageInput`: what `Predictor.predict` takes as one image, and how each kind is decoded."""

import os
import stat
import warnings
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import user_path
from dressform.data.image import open_image, upright

ImageInput = str | Path | bytes | Image.Image | NDArray[np.uint8]
"""A path, the bytes of an image file, an image of Pillow's, or an array uint8 [H, W], [H, W, 1] or
[H, W, 3].
"""
ALLOWED = (
    "a path, the bytes of an image file, a PIL image, or a NumPy array, uint8 [H, W], [H, W, 1] or "
    "[H, W, 3]"
)

FLOATS = "; convert values 0..1 with (255 * array).round().astype('uint8')"


def check_source(source: object) -> None:
    """Check that something is of a kind that can be one image.

    Raises:
        ConfigError: it is not; a tensor or a list, for example.
    """
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)):
        return
    if isinstance(source, np.ndarray):
        return
    kind = type(source)
    name = f"{kind.__module__}.{kind.__name__}" if kind.__module__ != "builtins" else kind.__name__
    advice = ""
    if kind.__module__.partition(".")[0] in ("torch", "tensorflow", "jax", "jaxlib"):
        advice = "; convert it with .numpy() to uint8, 0 to 255, channels last"
    elif isinstance(source, (list, tuple)):
        advice = "; for several images call predict_many"
    raise ConfigError(f"the image is of type {name}; allowed: {ALLOWED}{advice}")


def check_sources(images: object) -> None:
    """Check that something can be iterated as several images.

    Raises:
        ConfigError: it is a single image, or no sequence at all.
    """
    single = isinstance(images, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image))
    if hasattr(images, "columns") and hasattr(images, "iterrows"):
        raise ConfigError(
            "predict_many was given a table, whose rows are no images; give its column of paths, "
            "such as list(table['path'])"
        )
    if isinstance(images, np.ndarray):  # [H, W, 3], which could be H rows of a grey image
        one = images.ndim < 3 or (images.ndim == 3 and images.shape[2] in (1, 3))
        paths = images.ndim == 1 and images.dtype.kind in "OU"
        single = one and not paths
    if single:
        raise ConfigError(
            f"predict_many was given one {type(images).__name__}; allowed: a list of images, so "
            f"put it into a list or call predict"
        )
    if not isinstance(images, Iterable):
        raise ConfigError(
            f"predict_many was given a {type(images).__name__}; allowed: a list of images"
        )


def name_of(source: ImageInput) -> str:
    """What an image is called in messages and answers."""
    if isinstance(source, (str, os.PathLike)):
        return str(source)
    return "array" if isinstance(source, np.ndarray) else "image"


def answer_name(source: ImageInput) -> str:
    """The same where one of many images is answered: bytes come from stdin."""
    return "-" if isinstance(source, bytes) else name_of(source)


def decode(source: ImageInput, name: str, *, draft: int) -> Image.Image:
    """Decode an image to mode ``L`` or ``RGB``, upright.

    Args:
        source: of a kind that :func:`check_source` allows.
        name: for messages.
        draft: see :func:`dressform.data.image.open_image`.

    Raises:
        DataError: the image is unusable.
    """
    if isinstance(source, np.ndarray):
        return Image.fromarray(_checked_array(source, name))
    if isinstance(source, Image.Image):
        return upright(source, name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return open_image(bytes(source), name, draft=draft)
    path = user_path(source)
    _check_file(path, name)
    return open_image(path, name, draft=draft)


def _checked_array(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """An array as Pillow takes it: uint8 [H, W] or [H, W, 3]."""
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3))
    if array.dtype == np.uint8 and fits and array.size:
        return np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)
    advice = ""
    if array.dtype.kind == "f":
        advice = FLOATS
    elif array.ndim == 4:
        advice = "; for several images call predict_many"
    raise DataError(
        f"{name} is {array.dtype} {list(array.shape)}; allowed: uint8 [H, W], [H, W, 1] or "
        f"[H, W, 3]{advice}"
    )


def batch_of(images: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Images that have a model's size, in its layout: uint8 [N, H, W, C].

    Args:
        images: uint8 [N, H, W, C], [N, C, H, W], or [N, H, W] for a grey model.
        shape: height, width and channels of the model's input.

    Raises:
        DataError: another type or shape.
    """
    height, width, channels = shape
    batch, first = np.asarray(images), (channels, height, width)
    if batch.ndim == 3 and channels == 1:
        batch = batch[..., None]
    if batch.ndim == 4 and batch.shape[1:] == first != shape:
        batch = batch.transpose(0, 2, 3, 1)
    if batch.dtype != np.uint8 or batch.shape[1:] != shape:
        advice = FLOATS if batch.dtype.kind == "f" else ""
        raise DataError(
            f"images are {batch.dtype} {list(batch.shape)}; allowed: uint8 [N, {height}, {width}, "
            f"{channels}] or [N, {channels}, {height}, {width}]{advice}"
        )
    return batch


def _check_file(path: Path, name: str) -> None:
    """Opening a pipe would wait for whoever writes into it, perhaps for ever.

    Raises:
        DataError: the path is a pipe, a socket or a device.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise DataError(f"{name} is a link to a file that does not exist") from None
        return
    except (OSError, ValueError):
        return  # open_image names it
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{name} is a pipe, a socket or a device; give a file, or - for stdin")


Answer = TypeVar("Answer")


def without_decoder_warnings(answers: Generator[Answer, None, None]) -> Iterator[Answer]:
    """The same answers, while Pillow's warnings are off.

    Python has one list of warning filters for all threads, so it is set around all of them.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from answers
    finally:
        answers.close()
