"""Small colour images of made-up classes, and nearest-colour classifiers of them as ONNX."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

COLOURS = {
    "amber": (200, 130, 30),
    "cyan": (20, 180, 190),
    "lime": (120, 200, 40),
    "plum": (90, 30, 90),
}


def swatch(name: str, seed: int, size: tuple[int, int] = (12, 10)) -> NDArray[np.uint8]:
    """An image uint8 [H, W, 3] whose colour is nearly that of its class."""
    height, width = size
    noise = np.random.default_rng([seed, *name.encode()]).normal(0, 25, (height, width, 3))
    shift = np.random.default_rng([seed + 1000, *name.encode()]).normal(0, 12, 3)
    return np.clip(np.array(COLOURS[name]) + noise + shift, 0, 255).astype(np.uint8)


def write_swatches(
    folder: Path,
    names: Mapping[str, str] | Sequence[str] = tuple(COLOURS),
    *,
    first: int = 0,
    count: int = 12,
    size: tuple[int, int] = (12, 10),
) -> Path:
    """A folder per class, named as the values of ``names`` say."""
    folders = names if isinstance(names, Mapping) else {name: name for name in names}
    for name, called in folders.items():
        (folder / called).mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + count):
            path = folder / called / f"{name}{seed:03d}.png"
            Image.fromarray(swatch(name, seed, size)).save(path)
    return folder


def nearest_colour(
    path: Path,
    order: Sequence[str] = tuple(COLOURS),
    *,
    factor: float = 1 / 255,
    mean: Sequence[float] = (0, 0, 0),
    std: Sequence[float] = (1, 1, 1),
    size: tuple[int | str, int | str] = (12, 10),
    channels_first: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A model whose score is -|mean colour - class colour|², of pixels ``(bytes * factor - mean) /
    std``.

    Args:
        path: of the file.
        order: classes of the outputs.
        factor, mean, std: the pixels that it was "trained" on.
        size: height and width of its input; text leaves them open.
        channels_first: NCHW, else NHWC.
        metadata: written into the file.
    """
    shape = ("N", 3, *size) if channels_first else ("N", *size, 3)
    centres = (np.array([COLOURS[name] for name in order]) * factor - mean) / std
    nodes = [
        helper.make_node(
            "ReduceMean", ["x"], ["m"], axes=[2, 3] if channels_first else [1, 2], keepdims=0
        ),
        helper.make_node("MatMul", ["m", "w"], ["dot"]),
        helper.make_node("Add", ["dot", "b"], ["logits"]),
    ]
    weights = [
        numpy_helper.from_array((2 * centres.T).astype(np.float32), "w"),
        numpy_helper.from_array(-(centres**2).sum(axis=1).astype(np.float32), "b"),
    ]
    graph = helper.make_graph(
        nodes,
        "nearest",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(order)])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, path)
    return path
