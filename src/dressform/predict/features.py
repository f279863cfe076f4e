"""What a network makes of a picture before its last layer: the penultimate features, read from its
ONNX file. No torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.core.files import write_atomic
from dressform.data.dataset import inference_batch_size
from dressform.predict.session import AT_ONCE, run_session, session_of


@dataclass(frozen=True, eq=False)
class Features:
    """Features and logits of some pictures.

    Attributes:
        values: float32 [N, D], what the last matrix product of the network takes.
        logits: float32 [N, K].
    """

    values: NDArray[np.float32]
    logits: NDArray[np.float32]


def penultimate(
    model: Path, images: NDArray[np.uint8], *, progress: Callable[[int], object] = lambda done: None
) -> Features:
    """The input of the last matrix product for each picture.

    Args:
        model: a classifier in ONNX, from ``images``, uint8 [N, H, W, C], to ``logits``, as a run
            keeps it.
        images: uint8 [N, H, W, C].
        progress: called with the number of pictures done.

    Raises:
        RunError: the file cannot be loaded, or has no matrix product of one row per picture.
    """
    proto, name = _offering_features(model)
    if name is None:
        raise RunError(
            f"{model} has no matrix product whose input could be its features; look at its pixels "
            f"instead"
        )
    session = session_of(proto.SerializeToString(), RunError, str(model))
    values, logits = [], []
    chunk = inference_batch_size(images.shape[1:], AT_ONCE)
    for start in range(0, len(images), chunk):
        found, scores = run_session(
            session,
            [name, "logits"],
            {"images": np.ascontiguousarray(images[start : start + chunk])},
            RunError,
            str(model),
        )
        if found.ndim != 2 or len(found) != len(scores):
            raise RunError(
                f"{model} has features of shape {list(found.shape)}, not one row per picture; "
                f"look at its pixels instead"
            )
        values.append(found)
        logits.append(scores)
        progress(min(start + chunk, len(images)))
    return Features(np.concatenate(values), np.concatenate(logits))


def offer_features(model: Path) -> str | None:
    """Let an exported model give its penultimate features besides its logits: the file is written
    anew.

    Args:
        model: as for :func:`penultimate`.

    Returns:
        the name of that output; None, and nothing is written, where the model has no such features.
    """
    proto, name = _offering_features(model)
    if name is not None:
        write_atomic(model, lambda file: file.write(proto.SerializeToString()))
    return name


def _offering_features(model: Path) -> tuple[Any, str | None]:
    import onnx  # here: a second, and only where features are asked for
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        proto = onnx.load(str(model))
    except (OSError, DecodeError) as error:
        raise RunError(
            f"{model} cannot be read ({str(error).strip() or type(error).__name__}); export it to "
            f"ONNX anew"
        ) from error
    name = _last_product(proto.graph)
    if name is not None and name not in {output.name for output in proto.graph.output}:
        proto.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return proto, name


def _last_product(graph: Any) -> str | None:
    """The name of what the last Gemm or MatMul with constant weights multiplies, walking back from
    the logits.
    """
    constants = {tensor.name for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    name = "logits"
    while name in makers:
        node = makers[name]
        inputs = [given for given in node.input if given and given not in constants]
        if not inputs:
            return None
        if node.op_type in ("Gemm", "MatMul"):
            return str(inputs[0])
        name = inputs[0]
    return None


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 [N, H, W, C] as rows: float32 [N, H * W * C] in 0..1."""
    return (images.reshape(len(images), -1) / np.float32(255)).astype(np.float32)
