"""Converters of what torch computes number by number: activations and arithmetic."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from dressform.models.onnx_graph import OnnxGraph
from dressform.models.trace import UntraceableError, Value

Arguments = Mapping[str, Any]
Convert = Callable[[OnnxGraph, Arguments, Value], str | list[str]]
"""Appends an operator, given its arguments and what it gave first; returns the name of its first
output, or those of all.
"""


def require_float32(*tensors: object) -> None:
    """Refuse types other than float32: torch's rules for the others are not those of ONNX."""
    for one in tensors:
        if isinstance(one, Value | Tensor) and one.dtype != torch.float32:
            raise UntraceableError(f"arithmetic in {one.dtype}")


def _unary(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        require_float32(a["self"])
        return graph.add(kind, a["self"])

    return convert


def _binary(kind: str) -> Convert:
    def convert(graph: OnnxGraph, a: Arguments, out: Value) -> str:
        require_float32(a["self"], a["other"], out)
        if a.get("alpha", 1) != 1:
            raise UntraceableError("a factor in a sum")
        return graph.add(kind, a["self"], a["other"])

    return convert


def _clip(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    low, high = (a.get(f"{end}_val", a.get(end)) for end in ("min", "max"))
    return graph.add("Clip", a["self"], "" if low is None else low, "" if high is None else high)


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
    require_float32(a["self"], out)
    if a["alpha"] != 1:
        raise UntraceableError("a factor in a sum")
    return graph.add("Sub", a["other"], a["self"])


def _power(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    require_float32(a["self"], out)
    return graph.add("Pow", a["self"], a["exponent"])


def _prelu(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    require_float32(a["self"], a["weight"])
    return graph.add("PRelu", a["self"], a["weight"])


_ACTIVATIONS: dict[str, Convert] = {
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
_ARITHMETIC: dict[str, Convert] = {
    "add": _binary("Add"),
    "div": _binary("Div"),
    "mul": _binary("Mul"),
    "sub": _binary("Sub"),
}
ELEMENTWISE: dict[str, Convert] = {
    f"aten.{name}{suffix}.{overload}": convert
    for table, overload in ((_ACTIVATIONS, "default"), (_ARITHMETIC, "Tensor"))
    for name, convert in table.items()
    for suffix in ("", "_")
} | {
    "aten._prelu_kernel.default": _prelu,
    "aten.pow.Tensor_Scalar": _power,
    "aten.rsub.Scalar": _subtracted_from,
}
"""By the name of torch's operator. The result of an in-place operator gets a new name."""
