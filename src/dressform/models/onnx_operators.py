"""Converters from torch's operators to those of ONNX, for the ones that small classifiers use."""

import math
from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.models.onnx_elementwise import (
    ELEMENTWISE,
    Arguments,
    Convert,
    require_float32,
)
from dressform.models.onnx_graph import OnnxGraph
from dressform.models.onnx_shapes import SHAPES, int64
from dressform.models.trace import BATCH, UntraceableError, Value, trace


def traced_onnx(module: nn.Module, images: Tensor, outputs: Sequence[str]) -> onnx.ModelProto:
    """A network as ONNX, by way of the operators that it applies.

    Args:
        module: a function of a batch of images, in evaluation mode, on the CPU.
        images: two or more.
        outputs: the names of what it returns.

    Returns:
        a model with the input ``images``, for any number of them.

    Raises:
        UntraceableError: it applies an operator that has no counterpart here.
    """
    operators, values = trace(module, images)
    graph = OnnxGraph(module, Value(0, (BATCH, *images.shape[1:]), images.dtype))
    for operator in operators:
        convert = OPERATORS.get(operator.name)
        if convert is None:
            raise UntraceableError(f"{operator.name} has no counterpart here")
        names = convert(graph, operator.arguments, operator.outputs[0])
        for value, name in zip(
            operator.outputs, names if isinstance(names, list) else [names], strict=False
        ):
            graph.alias(value, name)
    return graph.model(dict(zip(outputs, values, strict=True)))


def _convolution(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if a["transposed"] or isinstance(a["weight"], Value) or a["weight"].ndim != 4:
        raise UntraceableError("a convolution that is not of images")
    pads = _pair(a["padding"])
    inputs = [a["input"], a["weight"], *([] if a["bias"] is None else [a["bias"]])]
    require_float32(*inputs)
    return graph.add(
        "Conv",
        *inputs,
        kernel_shape=list(a["weight"].shape[2:]),
        strides=_pair(a["stride"]),
        pads=[*pads, *pads],
        dilations=_pair(a["dilation"]),
        group=a["groups"],
    )


def _batch_norm(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    names = ("weight", "bias", "running_mean", "running_var")
    if a.get("training") or any(a[name] is None for name in names):
        raise UntraceableError("batch norm without statistics or factors")
    return graph.add(
        "BatchNormalization", a["input"], *(a[name] for name in names), epsilon=a["eps"]
    )


def _layer_norm(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    require_float32(a["input"])
    shape = a["normalized_shape"]
    weight = np.ones(shape, np.float32) if a["weight"] is None else a["weight"]
    bias = [] if a["bias"] is None else [a["bias"]]
    return graph.add(
        "LayerNormalization", a["input"], weight, *bias, axis=-len(shape), epsilon=a["eps"]
    )


def _group_norm(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    """Each group as a channel of instance normalisation: ONNX's own operator has a factor for each
    group before version 21, not for each channel.
    """
    require_float32(a["input"])
    groups, shape = a["group"], out.shape[1:]
    grouped = graph.add("Reshape", a["input"], int64(BATCH, groups, math.prod(shape) // groups))
    ones, zeros = np.ones(groups, np.float32), np.zeros(groups, np.float32)
    normalised = graph.add("InstanceNormalization", grouped, ones, zeros, epsilon=a["eps"])
    result = graph.add("Reshape", normalised, int64(BATCH, *shape))
    sides = (-1, *[1] * (len(shape) - 1))
    for kind, name in (("Mul", "weight"), ("Add", "bias")):
        if a[name] is not None:
            result = graph.add(kind, result, a[name].view(sides))
    return result


def _pooling(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        kernel = _pair(a["kernel_size"])
        pads = _pair(a["padding"])
        more: dict[str, object] = {"ceil_mode": int(a["ceil_mode"])}
        if kind == "MaxPool":
            more["dilations"] = _pair(a["dilation"])
        elif a["divisor_override"] is None:
            more["count_include_pad"] = int(a["count_include_pad"])
        else:
            raise UntraceableError("an average with a divisor of its own")
        return graph.add(
            kind,
            a["self"],
            kernel_shape=kernel,
            strides=_pair(a["stride"] or kernel),
            pads=[*pads, *pads],
            **more,
        )

    return convert


def _adaptive_average(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    before, after = a["self"].shape[2:], out.shape[2:]
    if len(before) != 2:
        raise UntraceableError("pooling that is not of images")
    if not any(old % new for old, new in zip(before, after, strict=True)):
        window = [old // new for old, new in zip(before, after, strict=True)]
        return graph.add("AveragePool", a["self"], kernel_shape=window, strides=window)
    require_float32(a["self"])
    # Windows of different sizes: a product with the matrix of their weights, for each side.
    weights = [_windows(*sides) for sides in zip(before, after, strict=True)]
    return graph.add("Einsum", a["self"], *weights, equation="nchw,yh,xw->ncyx")


def _windows(before: int, after: int) -> NDArray[np.float32]:
    """The weights [after, before] of adaptive average pooling, window by window."""
    weights = np.zeros((after, before), np.float32)
    for i in range(after):
        first, end = i * before // after, -(-(i + 1) * before // after)
        weights[i, first:end] = 1 / (end - first)
    return weights


def _pair(numbers: Sequence[int]) -> list[int]:
    return [*numbers] * (3 - len(numbers))


def _reduction(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        require_float32(a["self"], out)
        sides = len(a["self"].shape)
        axes = [axis % sides for axis in a["dim"] or range(sides)]
        return graph.add(kind, a["self"], int64(*axes), keepdims=int(a["keepdim"]))

    return convert


def _gemm(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    """x @ weight.t() + bias, or without the bias."""
    inputs, weight, bias = (
        (a["mat1"], a["mat2"], a["self"]) if "mat1" in a else (a["self"], a["mat2"], None)
    )
    if isinstance(weight, Value) or not isinstance(inputs, Value) or isinstance(bias, Value):
        raise UntraceableError("a product of two tensors")
    if a.get("alpha", 1) != 1 or a.get("beta", 1) != 1:
        raise UntraceableError("a factor in a product")
    require_float32(inputs, weight)
    return graph.add("Gemm", inputs, weight.t(), *([] if bias is None else [bias]), transB=1)


def _matrix_product(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    require_float32(a["self"], a["mat2"])
    return graph.add("MatMul", a["self"], a["mat2"])


def _attention(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    """softmax(query @ key.t() * scale + mask) @ value."""
    require_float32(a["query"], a["key"], a["value"])
    if a["is_causal"]:
        raise UntraceableError("attention to what came before")
    axes = [*range(len(out.shape) - 2), len(out.shape) - 1, len(out.shape) - 2]
    scale = out.shape[-1] ** -0.5 if a["scale"] is None else a["scale"]
    queries = graph.add("Mul", a["query"], scale)
    scores = graph.add("MatMul", queries, graph.add("Transpose", a["key"], perm=axes))
    if a["attn_mask"] is not None:
        scores = graph.add("Add", scores, a["attn_mask"])
    return graph.add("MatMul", graph.add("Softmax", scores, axis=-1), a["value"])


def _resize(mode: str, coordinates: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        scales = (a["scales_h"], a["scales_w"])
        sides = zip(a["self"].shape[2:], out.shape[2:], scales, strict=True)
        if a.get("align_corners") or any(scale and old * scale != new for old, new, scale in sides):
            raise UntraceableError("coordinates that are not those of the sizes")
        return graph.add(
            "Resize",
            a["self"],
            "",
            "",
            int64(*out.shape[2:]),
            mode=mode,
            coordinate_transformation_mode=coordinates,
            nearest_mode="floor",
            axes=[2, 3],
        )

    return convert


def _softmax(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Softmax", a["self"], axis=a["dim"] % len(out.shape))


OPERATORS: dict[str, Convert] = {
    **ELEMENTWISE,
    **SHAPES,
    "aten._adaptive_avg_pool2d.default": _adaptive_average,
    "aten.convolution.default": _convolution,
    "aten.native_batch_norm.default": _batch_norm,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_group_norm.default": _group_norm,
    "aten.max_pool2d_with_indices.default": _pooling("MaxPool"),
    "aten.avg_pool2d.default": _pooling("AveragePool"),
    "aten.mean.dim": _reduction("ReduceMean"),
    "aten.sum.dim_IntList": _reduction("ReduceSum"),
    "aten.amax.default": _reduction("ReduceMax"),
    "aten.amin.default": _reduction("ReduceMin"),
    "aten.addmm.default": _gemm,
    "aten.mm.default": _gemm,
    "aten.bmm.default": _matrix_product,
    "aten._scaled_dot_product_flash_attention_for_cpu.default": _attention,
    "aten.upsample_bilinear2d.default": _resize("linear", "half_pixel"),
    "aten.upsample_nearest2d.default": _resize("nearest", "asymmetric"),
    "aten._softmax.default": _softmax,
}
"""By the name of torch's operator."""
