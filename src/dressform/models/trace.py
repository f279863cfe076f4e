"""`trace`: what a network computes, as a list of torch's operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

BATCH = -1
"""In shapes, and in the numbers that an operator takes: however many images there are; -12 is
twelve times as many.
"""
_SIZES = (2, 3)
"""Images in the two batches that are compared."""
_COUNTS = ("size", "N")
"""Arguments in which these numbers are those of the images."""


class UntraceableError(Exception):
    """The network cannot be written as a list of known operators for any number of images."""


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the images.

    Attributes:
        number: distinct, ascending in the order of computation; the images are 0.
        shape: with :data:`BATCH`, or a multiple of it, where it grows with the number of images.
        dtype: of its numbers.
    """

    number: int
    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class Rows:
    """A constant tensor for each image, all the same: a class token.

    Attributes:
        row: [1, ...].
    """

    row: Tensor


@dataclass(frozen=True)
class Operator:
    """An operator of torch that was applied to such tensors.

    Attributes:
        name: such as ``aten.relu.default``.
        arguments: by name, those left out too: values, constant tensors, rows, numbers, and lists
            of them.
        outputs: what it gave, one tensor or several.
    """

    name: str
    arguments: Mapping[str, Any]
    outputs: list[Value]


def trace(module: nn.Module, images: Tensor) -> tuple[list[Operator], list[Value]]:
    """Run a module on two batches and record its operators.

    Args:
        module: a function of a batch of images, in evaluation mode; it returns one tensor or a
            tuple of them.
        images: [N, ...], one or more, which the batches repeat.

    Returns:
        the operators, in order, and what the module returned.

    Raises:
        UntraceableError: operators, lists, numbers or constants depend on the number of images; the
            module reads the numbers of an image, or changes a tensor of which there is a view; or
            an output depends on no image.
    """
    times = -(-max(_SIZES) // len(images))
    many = torch.cat([images] * times)
    (first, outputs), (second, others) = (_recorded(module, many[:size].clone()) for size in _SIZES)
    if [one.name for one in first] != [one.name for one in second]:
        raise UntraceableError("the operators depend on the number of images")
    operators = [
        Operator(
            one.name,
            {
                name: _merged(argument, two.arguments[name], sizes=name in _COUNTS)
                for name, argument in one.arguments.items()
            },
            _merged(one.outputs, two.outputs),
        )
        for one, two in zip(first, second, strict=True)
    ]
    return operators, _merged(outputs, others)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the operators that are applied to the images or to what came of them."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: list[Operator] = []
        self._values = WeakTensorKeyDictionary()
        self._count = 0
        self._new(images)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Without this, torch imports its compiler here, which takes seconds."""
        return False

    def _new(self, tensor: Tensor) -> Value:
        value = Value(self._count, tuple(tensor.shape), tensor.dtype)
        self._values[tensor] = value
        self._count += 1
        return value

    def value(self, argument: Any) -> Any:
        """A tensor that depends on the images as its value; all others as they are."""
        if isinstance(argument, list | tuple):
            return [self.value(one) for one in argument]
        if isinstance(argument, Tensor) and argument in self._values:
            return self._values[argument]
        return argument

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        schema = func._schema.arguments
        raw = {one.name: one.default_value for one in schema}
        raw |= dict(zip(raw, args, strict=False)) | (kwargs or {})
        arguments = {name: self.value(argument) for name, argument in raw.items()}
        depends = any(map(_has_value, arguments.values()))
        if depends:
            for one in schema:
                if one.alias_info is not None and one.alias_info.is_write:
                    self._check_written(raw[one.name])
        out = func(*args, **(kwargs or {}))
        if depends:
            tensors = out if isinstance(out, tuple | list) else [out]
            values = [self._new(one) for one in tensors if isinstance(one, Tensor)]
            if not values:
                raise UntraceableError(f"{func} reads the numbers of an image")
            self.operators.append(Operator(str(func), arguments, values))
        return out

    def _check_written(self, tensor: Any) -> None:
        """Refuse to record a change that other tensors see."""
        if not isinstance(tensor, Tensor) or tensor not in self._values:
            raise UntraceableError("a constant is changed")
        place = tensor.untyped_storage().data_ptr()
        for other in self._values:
            if other is not tensor and other.untyped_storage().data_ptr() == place:
                raise UntraceableError("a tensor is changed of which there is a view")


def _recorded(module: nn.Module, images: Tensor) -> tuple[list[Operator], list[Value]]:
    recorder = _Recorder(images)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # whole layers as one operator
    try:
        with torch.no_grad(), recorder:
            out = module(images)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    outputs = recorder.value(list(out) if isinstance(out, tuple) else [out])
    if not all(isinstance(one, Value) for one in outputs):
        raise UntraceableError("an output does not depend on the images")
    return recorder.operators, outputs


def _has_value(argument: Any) -> bool:
    if isinstance(argument, list):
        return any(map(_has_value, argument))
    return isinstance(argument, Value)


def _merged(one: Any, two: Any, *, sizes: bool = False) -> Any:
    """What two batches have in common.

    Args:
        one: of the first batch.
        two: of the second.
        sizes: numbers that are the sizes of the batches become BATCH, multiples of them its
            multiples.
    """
    if type(one) is not type(two):
        raise UntraceableError("the types of arguments depend on the number of images")
    if isinstance(one, Value):
        if (one.number, one.dtype) != (two.number, two.dtype):
            raise UntraceableError("the order of operators depends on the number of images")
        shape = _merged(list(one.shape), list(two.shape), sizes=True)
        return Value(one.number, tuple(shape), one.dtype)
    if isinstance(one, list):
        if len(one) != len(two):
            raise UntraceableError("the length of a list depends on the number of images")
        return [_merged(a, b, sizes=sizes) for a, b in zip(one, two, strict=True)]
    if isinstance(one, Tensor):
        if _is_repeated(one, _SIZES[0]) and _is_repeated(two, _SIZES[1]):
            one, two = one[:1], two[:1]
            return Rows(_merged(one, two))
        if one.shape != two.shape or one.dtype != two.dtype or not torch.equal(one, two):
            raise UntraceableError("a constant depends on the number of images")
        return one
    if one == two:
        return one
    if sizes and isinstance(one, int) and one * _SIZES[1] == two * _SIZES[0]:
        return BATCH * one // _SIZES[0]
    raise UntraceableError(f"{one} of two images becomes {two} of three")


def _is_repeated(tensor: Tensor, times: int) -> bool:
    """Whether a tensor is one row, that many times."""
    return tensor.shape[:1] == (times,) and torch.equal(tensor[:1].expand_as(tensor), tensor)
