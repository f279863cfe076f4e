"""Converters from torch's operators to those of ONNX, for the ones that small classifiers use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.models.onnx_graph import TYPES, OnnxGraph
from dressform.models.trace import BATCH, UntraceableError, Value, trace

Arguments = Mapping[str, Any]
Convert = Callable[[OnnxGraph, Arguments, Value], str]
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


def _int64(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def _require_float32(*tensors: object) -> None:
    """Refuse types other than float32: torch's rules for the others are not those of ONNX."""
    for one in tensors:
        if isinstance(one, Value | Tensor) and one.dtype != torch.float32:
            raise UntraceableError(f"arithmetic in {one.dtype}")


def _identity(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.name(a["self"])


def _cast(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if out.dtype not in TYPES:
        raise UntraceableError(f"numbers become {out.dtype}")
    return (
        _identity(graph, a, out)
        if out.dtype == a["self"].dtype
        else graph.add("Cast", a["self"], to=TYPES[out.dtype])
    )


def _unary(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        _require_float32(a["self"])
        return graph.add(kind, a["self"])

    return convert


def _binary(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        _require_float32(a["self"], a["other"], out)
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
    inputs = [a["input"], a["weight"], *([] if a["bias"] is None else [a["bias"]])]
    _require_float32(*inputs)
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
    _require_float32(a["self"])
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
        _require_float32(a["self"], out)
        sides = len(a["self"].shape)
        axes = [axis % sides for axis in a["dim"] or range(sides)]
        return graph.add(kind, a["self"], _int64(*axes), keepdims=int(a["keepdim"]))

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
    _require_float32(inputs, weight)
    return graph.add("Gemm", inputs, weight.t(), *([] if bias is None else [bias]), transB=1)


def _reshape(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if out.shape.count(BATCH) > 1:
        raise UntraceableError("a reshape that mixes images")
    return graph.add("Reshape", a["self"], _int64(*out.shape))


def _expand(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    before = (1,) * (len(out.shape) - len(a["self"].shape)) + a["self"].shape
    if any(new == BATCH != old for old, new in zip(before, out.shape, strict=True)):
        raise UntraceableError("one image becomes as many as there are")
    return graph.add("Expand", a["self"], _int64(*(1 if n == BATCH else n for n in out.shape)))


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
    return graph.add("Pad", a["self"], _int64(*before, *after), float(a["value"]))


def _concatenation(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    _require_float32(*a["tensors"])
    return graph.add("Concat", *a["tensors"], axis=a["dim"] % len(out.shape))


def _stack(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    _require_float32(*a["tensors"])
    axis = a["dim"] % len(out.shape)
    tall = [graph.add("Unsqueeze", one, _int64(axis)) for one in a["tensors"]]
    return graph.add("Concat", *tall, axis=axis)


def _flip(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    axes, count = [d % len(out.shape) for d in a["dims"]], len(a["dims"])
    first, last = [-1] * count, [-(2**31)] * count
    return graph.add(
        "Slice", a["self"], _int64(*first), _int64(*last), _int64(*axes), _int64(*[-1] * count)
    )


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
            _int64(*out.shape[2:]),
            mode=mode,
            coordinate_transformation_mode=coordinates,
            nearest_mode="floor",
            axes=[2, 3],
        )

    return convert


def _softmax(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Softmax", a["self"], axis=a["dim"] % len(out.shape))


def _leaky(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("LeakyRelu", a["self"], alpha=float(a["negative_slope"]))


def _gelu(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Gelu", a["self"], approximate=a["approximate"])


def _silu(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("Mul", a["self"], graph.add("Sigmoid", a["self"]))


def _hard_sigmoid(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    return graph.add("HardSigmoid", a["self"], alpha=1 / 6, beta=0.5)


def _elu(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if a["scale"] != 1 or a["input_scale"] != 1:
        raise UntraceableError("an ELU with scales")
    return graph.add("Elu", a["self"], alpha=float(a["alpha"]))


def _subtracted_from(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    _require_float32(a["self"], out)
    if a["alpha"] != 1:
        raise UntraceableError("a factor in a sum")
    return graph.add("Sub", a["other"], a["self"])


def _power(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    _require_float32(a["self"], out)
    return graph.add("Pow", a["self"], a["exponent"])


def _restrided(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    """Global average pooling gives its one pixel other strides."""
    if out.shape != a["self"].shape or set(out.shape[2:]) != {1} or a["storage_offset"]:
        raise UntraceableError("other strides")
    return graph.name(a["self"])


ELEMENTWISE: dict[str, Convert] = {
    "abs": _unary("Abs"),
    "clamp": _clip,
    "clamp_min": _clip,
    "elu": _elu,
    "exp": _unary("Exp"),
    "gelu": _gelu,
    "hardsigmoid": _hard_sigmoid,
    "hardswish": _unary("HardSwish"),
    "hardtanh": _clip,
    "leaky_relu": _leaky,
    "neg": _unary("Neg"),
    "reciprocal": _unary("Reciprocal"),
    "relu": _unary("Relu"),
    "sigmoid": _unary("Sigmoid"),
    "silu": _silu,
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
        _identity,
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
    "aten.rsub.Scalar": _subtracted_from,
    "aten.pow.Tensor_Scalar": _power,
    "aten.as_strided_.default": _restrided,
    "aten._adaptive_avg_pool2d.default": _adaptive_average,
    "aten.convolution.default": _convolution,
    "aten.native_batch_norm.default": _batch_norm,
    "aten.max_pool2d_with_indices.default": _pooling("MaxPool"),
    "aten.avg_pool2d.default": _pooling("AveragePool"),
    "aten.mean.dim": _reduction("ReduceMean"),
    "aten.sum.dim_IntList": _reduction("ReduceSum"),
    "aten.amax.default": _reduction("ReduceMax"),
    "aten.amin.default": _reduction("ReduceMin"),
    "aten.addmm.default": _gemm,
    "aten.mm.default": _gemm,
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
    "aten.upsample_bilinear2d.default": _resize("linear", "half_pixel"),
    "aten.upsample_nearest2d.default": _resize("nearest", "asymmetric"),
    "aten._softmax.default": _softmax,
}
"""By the name of torch's operator. The result of an in-place operator gets a new name."""
