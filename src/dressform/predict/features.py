"""Penultimate features of images, computed from an ONNX file. No torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.core.files import write_atomic
from dressform.data.dataset import inference_batch_size
from dressform.predict.feature_output import load_with_features
from dressform.predict.session import BATCH_SIZE, create_session, run_session


@dataclass(frozen=True, eq=False)
class Features:
    """Features and logits of images.

    Attributes:
        values: float32 [N, D], the input of the network's last product (where that sees each pixel
            by itself, the mean over the pixels).
        logits: float32 [N, K].
    """

    values: NDArray[np.float32]
    logits: NDArray[np.float32]


def penultimate(
    model: Path, images: NDArray[np.uint8], *, progress: Callable[[int], object] = lambda done: None
) -> Features:
    """Compute the penultimate features of images.

    Args:
        model: an ONNX classifier from ``images``, uint8 [N, H, W, C], to ``logits``, as in a run.
        images: uint8 [N, H, W, C].
        progress: called with the number of finished images.

    Raises:
        RunError: the file cannot be loaded, or has no such product.
    """
    model_proto, name = load_with_features(model)
    if name is None:
        raise RunError(
            f"{model} has no product whose input could be its features; choose the embedding pixels"
        )
    values, logits = _computed(
        model_proto.SerializeToString(), [name, "logits"], model, images, progress
    )
    return Features(values, logits)


def logits_of(model: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The logits of images, float32 [N, K], of a classifier that need not have features; otherwise
    as :func:`penultimate`.
    """
    try:
        content = model.read_bytes()
    except OSError as error:
        raise RunError(f"{model} cannot be read ({error.strerror})") from error
    (logits,) = _computed(content, ["logits"], model, images)
    return logits


def _computed(
    content: bytes,
    names: list[str],
    model: Path,
    images: NDArray[np.uint8],
    progress: Callable[[int], object] = lambda done: None,
) -> list[NDArray[np.float32]]:
    """Outputs of a model for all images, batch by batch."""
    session = create_session(content, RunError, str(model))
    batches = []
    batch_size = inference_batch_size(images.shape[1:], BATCH_SIZE)
    for start in range(0, len(images), batch_size):
        batch = np.ascontiguousarray(images[start : start + batch_size])
        batches.append(run_session(session, names, {"images": batch}, RunError, str(model)))
        progress(min(start + batch_size, len(images)))
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def offer_features(model: Path) -> str | None:
    """Add the penultimate features to the outputs of an exported model, rewriting its file.

    Args:
        model: as for :func:`penultimate`.

    Returns:
        the name of that output; None, with the file unchanged, if the model has no such features.
    """
    proto, name = load_with_features(model)
    if name is not None:
        write_atomic(model, lambda file: file.write(proto.SerializeToString()))
    return name


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images uint8 [N, H, W, C] as rows, float32 [N, H * W * C] in 0..1."""
    return (images.reshape(len(images), -1) / np.float32(255)).astype(np.float32)
