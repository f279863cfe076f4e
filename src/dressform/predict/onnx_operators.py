"""Torch's operators as those of ONNX: the ones that small classifiers are made of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.predict.onnx_graph import TYPES, OnnxGraph
from dressform.predict.trace import BATCH, UntraceableError, Value, trace

Arguments = Mapping[str, Any]
Convert = Callable[["OnnxGraph", Arguments, Value], str]
"""Appends an operator, given its arguments and what it gave; returns the name of the output."""


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
        graph.alias(operator.output, convert(graph, operator.arguments, operator.output))
    return graph.model(dict(zip(outputs, values, strict=True)))


def _whole(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def _floats(*given: object) -> None:
    """Arithmetic in other types follows rules of torch's own."""
    for one in given:
        if isinstance(one, Value | Tensor) and one.dtype != torch.float32:
            raise UntraceableError(f"arithmetic in {one.dtype}")


def _same(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.name(a["self"])


def _cast(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if out.dtype not in TYPES:
        raise UntraceableError(f"numbers become {out.dtype}")
    return (
        _same(graph, a, out)
        if out.dtype == a["self"].dtype
        else graph.add("Cast", a["self"], to=TYPES[out.dtype])
    )


def _unary(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        _floats(a["self"])
        return graph.add(kind, a["self"])

    return convert


def _binary(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        _floats(a["self"], a["other"], out)
        if a.get("alpha", 1) != 1:
            raise UntraceableError("a factor in a sum")
        return graph.add(kind, a["self"], a["other"])

    return convert


def _clip(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    low, high = (a.get(f"{end}_val", a.get(end)) for end in ("min", "max"))
    return graph.add("Clip", a["self"], "" if low is None else low, "" if high is None else high)


def _convolution(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if a["transposed"] or isinstance(a["weight"], Value) or a["weight"].ndim != 4:
        raise UntraceableError("a convolution that is not of images")
    pads = _pair(a["padding"])
    given = [a["input"], a["weight"], *([] if a["bias"] is None else [a["bias"]])]
    return graph.add(
        "Conv",
        *given,
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


def _pair(numbers: Sequence[int]) -> list[int]:
    return [*numbers] * (3 - len(numbers))


def _reduction(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        _floats(a["self"], out)
        sides = len(a["self"].shape)
        axes = [axis % sides for axis in a["dim"] or range(sides)]
        return graph.add(kind, a["self"], _whole(*axes), keepdims=int(a["keepdim"]))

    return convert


def _dense(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    """x @ weight.t() + bias, or without the bias."""
    inputs, weight, bias = (
        (a["mat1"], a["mat2"], a["self"]) if "mat1" in a else (a["self"], a["mat2"], None)
    )
    if isinstance(weight, Value) or not isinstance(inputs, Value) or isinstance(bias, Value):
        raise UntraceableError("a product of two tensors")
    if a.get("alpha", 1) != 1 or a.get("beta", 1) != 1:
        raise UntraceableError("a factor in a product")
    _floats(inputs, weight)
    given = [inputs, weight.t(), *([] if bias is None else [bias])]
    return graph.add("Gemm", *given, transB=1)


def _reshape(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if out.shape.count(BATCH) > 1:
        raise UntraceableError("a shape that is not told by the number of images")
    return graph.add("Reshape", a["self"], _whole(*out.shape))


def _expand(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Expand", a["self"], _whole(*(1 if n == BATCH else n for n in out.shape)))


def _permute(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Transpose", a["self"], perm=[d % len(a["dims"]) for d in a["dims"]])


def _transpose(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    axes = list(range(len(out.shape)))
    one, two = (a[name] % len(axes) for name in ("dim0", "dim1"))
    axes[one], axes[two] = axes[two], axes[one]
    return graph.add("Transpose", a["self"], perm=axes)


def _pad(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    ends = [*a["pad"], *[0] * (2 * len(out.shape) - len(a["pad"]))]
    before, after = ends[::2][::-1], ends[1::2][::-1]
    if min(ends) < 0:
        raise UntraceableError("a negative padding")
    return graph.add("Pad", a["self"], _whole(*before, *after), float(a["value"]))


def _concatenation(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Concat", *a["tensors"], axis=a["dim"] % len(out.shape))


def _stack(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    axis = a["dim"] % len(out.shape)
    tall = [graph.add("Unsqueeze", one, _whole(axis)) for one in a["tensors"]]
    return graph.add("Concat", *tall, axis=axis)


def _flip(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    axes, count = [d % len(out.shape) for d in a["dims"]], len(a["dims"])
    first, last = [-1] * count, [-(2**31)] * count
    return graph.add(
        "Slice", a["self"], _whole(*first), _whole(*last), _whole(*axes), _whole(*[-1] * count)
    )


def _bilinear(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if a["align_corners"]:
        raise UntraceableError("corners that are aligned")
    return graph.add(
        "Resize",
        a["self"],
        "",
        "",
        _whole(*out.shape[2:]),
        mode="linear",
        coordinate_transformation_mode="half_pixel",
        axes=[2, 3],
    )


def _softmax(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Softmax", a["self"], axis=a["dim"] % len(out.shape))


def _leaky(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("LeakyRelu", a["self"], alpha=float(a["negative_slope"]))


def _gelu(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Gelu", a["self"], approximate=a["approximate"])


def _swish(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Mul", a["self"], graph.add("Sigmoid", a["self"]))


ELEMENTWISE: dict[str, Convert] = {
    "abs": _unary("Abs"),
    "clamp": _clip,
    "clamp_min": _clip,
    "exp": _unary("Exp"),
    "gelu": _gelu,
    "hardtanh": _clip,
    "leaky_relu": _leaky,
    "neg": _unary("Neg"),
    "reciprocal": _unary("Reciprocal"),
    "relu": _unary("Relu"),
    "sigmoid": _unary("Sigmoid"),
    "silu": _swish,
    "sqrt": _unary("Sqrt"),
    "tanh": _unary("Tanh"),
}
ARITHMETIC: dict[str, Convert] = {
    "add": _binary("Add"),
    "div": _binary("Div"),
    "mul": _binary("Mul"),
    "sub": _binary("Sub"),
}
OPERATORS: dict[str, Convert] = {
    **dict.fromkeys(
        (
            "aten.alias.default",
            "aten.clone.default",
            "aten.detach.default",
            "aten.lift_fresh.default",
        ),
        _same,
    ),
    "aten._to_copy.default": _cast,
    **{
        f"aten.{name}{suffix}.default": convert
        for name, convert in ELEMENTWISE.items()
        for suffix in ("", "_")
    },
    **{
        f"aten.{name}{suffix}.Tensor": convert
        for name, convert in ARITHMETIC.items()
        for suffix in ("", "_")
    },
    "aten.convolution.default": _convolution,
    "aten.native_batch_norm.default": _batch_norm,
    "aten.max_pool2d_with_indices.default": _pooling("MaxPool"),
    "aten.avg_pool2d.default": _pooling("AveragePool"),
    "aten.mean.dim": _reduction("ReduceMean"),
    "aten.sum.dim_IntList": _reduction("ReduceSum"),
    "aten.amax.default": _reduction("ReduceMax"),
    "aten.amin.default": _reduction("ReduceMin"),
    "aten.addmm.default": _dense,
    "aten.mm.default": _dense,
    "aten.view.default": _reshape,
    "aten._unsafe_view.default": _reshape,
    "aten.unsqueeze.default": _reshape,
    "aten.squeeze.dim": _reshape,
    "aten.squeeze.dims": _reshape,
    "aten.expand.default": _expand,
    "aten.permute.default": _permute,
    "aten.transpose.int": _transpose,
    "aten.constant_pad_nd.default": _pad,
    "aten.cat.default": _concatenation,
    "aten.stack.default": _stack,
    "aten.flip.default": _flip,
    "aten.upsample_bilinear2d.default": _bilinear,
    "aten._softmax.default": _softmax,
}
"""By torch's name. An operator in place gives the same tensor, under a new name here."""
