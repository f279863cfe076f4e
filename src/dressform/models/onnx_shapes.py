"""Converters of what torch does with shapes and types: reshapes, slices, concatenations, casts."""

import numpy as np
from numpy.typing import NDArray

from dressform.models.onnx_elementwise import Arguments, Convert, require_float32
from dressform.models.onnx_graph import TYPES, OnnxGraph
from dressform.models.trace import UntraceableError, Value


def int64(*numbers: int) -> NDArray[np.int64]:
    """Numbers as ONNX has them for shapes and axes."""
    return np.array(numbers, np.int64)


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


def _reshape(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    if sum(side < 0 for side in out.shape) > 1:
        raise UntraceableError("two sides depend on the number of images")
    return graph.add("Reshape", a["self"], int64(*(max(side, -1) for side in out.shape)))


def _expand(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    before = (1,) * (len(out.shape) - len(a["self"].shape)) + a["self"].shape
    if any(new < 0 and new != old for old, new in zip(before, out.shape, strict=True)):
        raise UntraceableError("one image becomes as many as there are")
    return graph.add("Expand", a["self"], int64(*(max(side, 1) for side in out.shape)))


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
    return graph.add("Pad", a["self"], int64(*before, *after), float(a["value"]))


def _concatenation(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    require_float32(*a["tensors"])
    return graph.add("Concat", *a["tensors"], axis=a["dim"] % len(out.shape))


def _stack(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    require_float32(*a["tensors"])
    axis = a["dim"] % len(out.shape)
    tall = [graph.add("Unsqueeze", one, int64(axis)) for one in a["tensors"]]
    return graph.add("Concat", *tall, axis=axis)


def _flip(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    axes, count = [d % len(out.shape) for d in a["dims"]], len(a["dims"])
    first, last = [-1] * count, [-(2**31)] * count
    return graph.add(
        "Slice", a["self"], int64(*first), int64(*last), int64(*axes), int64(*[-1] * count)
    )


def _slice(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    axis, start, end = a["dim"] % len(out.shape), a["start"] or 0, a["end"]
    end = 2**63 - 1 if end is None else end
    if out.shape[axis] < 0:
        if (start, a["step"]) != (0, 1) or end != 2**63 - 1:
            raise UntraceableError("a part of the images")
        return _identity(graph, a, out)
    return graph.add("Slice", a["self"], int64(start), int64(end), int64(axis), int64(a["step"]))


def _unbind(graph: OnnxGraph, a: Arguments, out: Value) -> list[str]:
    before = a["self"].shape
    axis = a["dim"] % len(before)
    if before[axis] < 0:
        raise UntraceableError("each of the images")
    indices = [np.array(i, np.int64) for i in range(before[axis])]
    return [graph.add("Gather", a["self"], index, axis=axis) for index in indices]


def _split(graph: OnnxGraph, a: Arguments, out: Value) -> list[str]:
    axis, before = a["dim"] % len(out.shape), a["self"].shape
    if before[axis] < 0:
        raise UntraceableError("a part of the images")
    size = a.get("split_size")
    sizes = a["split_sizes"] if size is None else [size] * -(-before[axis] // size)
    ends = np.cumsum(sizes)
    return [
        graph.add("Slice", a["self"], int64(end - part), int64(end), int64(axis))
        for part, end in zip(sizes, ends, strict=True)
    ]


def _select(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    before = a["self"].shape
    axis = a["dim"] % len(before)
    if before[axis] < 0:
        raise UntraceableError("one of the images")
    return graph.add("Gather", a["self"], np.array(a["index"], np.int64), axis=axis)


def _restrided(graph: OnnxGraph, a: Arguments, out: Value) -> str:
    """Global average pooling gives its one pixel other strides."""
    if out.shape != a["self"].shape or set(out.shape[2:]) != {1} or a["storage_offset"]:
        raise UntraceableError("other strides")
    return graph.name(a["self"])


SHAPES: dict[str, Convert] = {
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
    "aten.as_strided_.default": _restrided,
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
    "aten.slice.Tensor": _slice,
    "aten.select.int": _select,
    "aten.split.Tensor": _split,
    "aten.split_with_sizes.default": _split,
    "aten.unbind.int": _unbind,
}
"""By the name of torch's operator."""
