"""The output ``features`` of an ONNX classifier: what its last product sees of each image. No
torch.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import RunError
from dressform.predict.session import create_session, run_session

FEATURES = "features"
"""The name of the output."""


def load_with_features(model: Path) -> tuple[Any, str | None]:
    """Read a classifier, and add its features to its outputs where they are missing.

    They are the input of the last product with constant weights, searching back from the logits.
    Where a product sees each pixel by itself, such as a 1 x 1 convolution whose classes are
    averaged over the image, they are its mean over the pixels.

    Args:
        model: an ONNX file from ``images``, uint8 [N, H, W, C], to ``logits``.

    Returns:
        the model, and the name of the output [N, D]; None, with the model as it was, where there is
        no such product, or it sees several images together.

    Raises:
        RunError: the file cannot be read.
    """
    import onnx  # imported here: it takes a second and only features need it
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        proto = onnx.load(str(model))
    except (OSError, DecodeError) as error:
        raise RunError(
            f"{model} cannot be read ({str(error).strip() or type(error).__name__}); export it to "
            f"ONNX again"
        ) from error
    product = _last_product(proto.graph)
    outputs = {output.name for output in proto.graph.output}
    for name in (FEATURES, *([] if product is None else product.input)):
        if name in outputs:
            return proto, name
    appended = None if product is None else _appended(proto, product, str(model))
    return (proto, None) if appended is None else (appended, FEATURES)


def _last_product(graph: Any) -> Any:
    """The last Gemm, MatMul or Conv with constant weights, or None."""
    constants = {tensor.name for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    name = "logits"
    while name in producers:
        node = producers[name]
        inputs = [given for given in node.input if given and given not in constants]
        if not inputs:
            return None
        if node.op_type in ("Gemm", "MatMul", "Conv"):
            return node
        name = inputs[0]
    return None


def _appended(proto: Any, product: Any, shown: str) -> Any:
    """The model with its features; None where they would not be those of each image."""
    from onnx import ModelProto, TensorProto, helper, numpy_helper

    model = ModelProto()
    model.CopyFrom(proto)
    constants = {tensor.name for tensor in model.graph.initializer}
    name = next(given for given in product.input if given and given not in constants)
    shape = [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    ((seen, classes),) = _run(model, [name, product.output[0]], [images], shown)
    channels_first = product.op_type == "Conv"
    size = seen.shape[1 if channels_first else -1]
    if channels_first and classes[0, 0].size == 1:  # a dense layer by another name
        channels_first, size = False, seen[0].size
    pixels = seen.size // (len(images) * size)
    constant = {
        "shape": [-1, size, pixels] if channels_first else [-1, pixels, size],
        "axis": [2 if channels_first else 1],
    }
    for key, numbers in constant.items():
        tensor = numpy_helper.from_array(np.array(numbers, np.int64), f"{FEATURES}_{key}")
        model.graph.initializer.append(tensor)
    by_pixel = f"{FEATURES}_by_pixel"
    model.graph.node.extend(
        [
            helper.make_node("Reshape", [name, f"{FEATURES}_shape"], [by_pixel]),
            helper.make_node("ReduceMean", [by_pixel, f"{FEATURES}_axis"], [FEATURES], keepdims=0),
        ]
    )
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_param or None
    model.graph.output.append(
        helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, [batch, size])
    )
    ((together,), *alone) = _run(model, [FEATURES], [images, images[:1], images[1:]], shown)
    apart = np.concatenate([features for (features,) in alone])
    same = together.shape == apart.shape and np.allclose(together, apart, rtol=1e-3, atol=1e-5)
    return model if same else None


def _run(
    model: Any, names: list[str], batches: list[NDArray[np.uint8]], shown: str
) -> list[list[NDArray[np.float32]]]:
    """Tensors of a model for each batch, whether or not they are among its outputs."""
    from onnx import ModelProto, helper

    probe = ModelProto()
    probe.CopyFrom(model)
    for name in names:
        if name not in {output.name for output in model.graph.output}:
            probe.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = create_session(probe.SerializeToString(), RunError, shown)
    return [run_session(session, names, {"images": each}, RunError, shown) for each in batches]
