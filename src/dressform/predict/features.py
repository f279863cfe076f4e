"""Penultimate features of images, computed from an ONNX file. No torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.core.files import write_atomic
from dressform.data.dataset import inference_batch_size
from dressform.predict.session import BATCH_SIZE, create_session, run_session


@dataclass(frozen=True, eq=False)
class Features:
    """Features and logits of images.

    Attributes:
        values: float32 [N, D], the input of the network's last matrix product.
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
        RunError: the file cannot be loaded, or has no matrix product with one row per image.
    """
    model_proto, name = _load_with_features(model)
    if name is None:
        raise RunError(
            f"{model} has no matrix product whose input could be its features; use pixels instead"
        )
    session = create_session(model_proto.SerializeToString(), RunError, str(model))
    values, logits = [], []
    batch_size = inference_batch_size(images.shape[1:], BATCH_SIZE)
    for start in range(0, len(images), batch_size):
        batch_values, scores = run_session(
            session,
            [name, "logits"],
            {"images": np.ascontiguousarray(images[start : start + batch_size])},
            RunError,
            str(model),
        )
        if batch_values.ndim != 2 or len(batch_values) != len(scores):
            raise RunError(
                f"{model} has features of shape {list(batch_values.shape)}, not one row per "
                f"image; use pixels instead"
            )
        values.append(batch_values)
        logits.append(scores)
        progress(min(start + batch_size, len(images)))
    return Features(np.concatenate(values), np.concatenate(logits))


def offer_features(model: Path) -> str | None:
    """Add the penultimate features to the outputs of an exported model, rewriting its file.

    Args:
        model: as for :func:`penultimate`.

    Returns:
        the name of that output; None, with the file unchanged, if the model has no such features.
    """
    proto, name = _load_with_features(model)
    if name is not None:
        write_atomic(model, lambda file: file.write(proto.SerializeToString()))
    return name


def _load_with_features(model: Path) -> tuple[Any, str | None]:
    import onnx  # imported here: it takes a second and only features need it
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        proto = onnx.load(str(model))
    except (OSError, DecodeError) as error:
        raise RunError(
            f"{model} cannot be read ({str(error).strip() or type(error).__name__}); export it to "
            f"ONNX again"
        ) from error
    name = _penultimate_name(proto.graph)
    if name is not None and name not in {output.name for output in proto.graph.output}:
        proto.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return proto, name


def _penultimate_name(graph: Any) -> str | None:
    """The name of the input of the last Gemm or MatMul with constant weights, searching back from
    the logits.
    """
    constants = {tensor.name for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    name = "logits"
    while name in producers:
        node = producers[name]
        inputs = [
            input_name for input_name in node.input if input_name and input_name not in constants
        ]
        if not inputs:
            return None
        if node.op_type in ("Gemm", "MatMul"):
            return str(inputs[0])
        name = inputs[0]
    return None


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images uint8 [N, H, W, C] as rows, float32 [N, H * W * C] in 0..1."""
    return (images.reshape(len(images), -1) / np.float32(255)).astype(np.float32)
