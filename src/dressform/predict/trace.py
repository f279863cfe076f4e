"""`trace`: what a network computes, as a list of torch's operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

BATCH = -1
"""In shapes, and in the numbers that an operator takes: however many images there are."""
_SIZES = (2, 3)
"""Images in the two batches that are compared."""


class UntraceableError(Exception):
    """What a network computes depends on more than the images' values."""


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the images.

    Attributes:
        number: distinct, ascending in the order of computation; the images are 0.
        shape: with :data:`BATCH` where it grows with the number of images.
        dtype: of its numbers.
    """

    number: int
    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class Operator:
    """An operator of torch that was applied to such tensors.

    Attributes:
        name: such as ``aten.relu.default``.
        arguments: by name, those left out too: values, constant tensors, numbers, and lists of
            them.
        output: what it gave, the first where there are several.
    """

    name: str
    arguments: Mapping[str, Any]
    output: Value


def trace(module: nn.Module, images: Tensor) -> tuple[list[Operator], list[Value]]:
    """Run a module on two batches and write down what is computed.

    Args:
        module: a function of a batch of images, in evaluation mode; it returns one tensor or a
            tuple of them.
        images: [N, ...], one or more, which the batches repeat.

    Returns:
        the operators, in order, and what the module returned.

    Raises:
        UntraceableError: the operators depend on the number of images, or an output on no image.
    """
    times = -(-max(_SIZES) // len(images))
    many = torch.cat([images] * times)
    records = [_recorded(module, many[:size].clone()) for size in _SIZES]
    (first, outputs), (second, others) = records
    if [one.name for one in first] != [one.name for one in second]:
        raise UntraceableError("the operators depend on the number of images")
    merged = [
        Operator(one.name, _merged(one.arguments, two.arguments), _merged(one.output, two.output))
        for one, two in zip(first, second, strict=True)
    ]
    return merged, _merged(outputs, others)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down the operators that are applied to an input or to what came of it."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: list[Operator] = []
        self._values: dict[int, Value] = {}
        self._kept: list[Tensor] = []  # so that no other tensor gets the identity of one
        self._new(images)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled meanwhile; otherwise torch imports its compiler here, for seconds."""
        return False

    def _new(self, tensor: Tensor) -> Value:
        value = Value(len(self._kept), tuple(tensor.shape), tensor.dtype)
        self._values[id(tensor)] = value
        self._kept.append(tensor)
        return value

    def value(self, given: Any) -> Any:
        """A tensor that depends on the images as its value; all others as they are."""
        if isinstance(given, list | tuple):
            return [self.value(one) for one in given]
        return self._values.get(id(given), given) if isinstance(given, Tensor) else given

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        names = [argument.name for argument in func._schema.arguments]
        arguments = {one.name: one.default_value for one in func._schema.arguments}
        arguments |= dict(zip(names, args, strict=False)) | kwargs
        arguments = {name: self.value(given) for name, given in arguments.items()}
        out = func(*args, **kwargs)
        if any(_values_in(given) for given in arguments.values()):
            tensors = out if isinstance(out, tuple | list) else [out]
            values = [self._new(one) for one in tensors if isinstance(one, Tensor)]
            if not values:
                raise UntraceableError(f"{func} looks at the numbers of an image")
            self.operators.append(Operator(str(func), arguments, values[0]))
        return out


def _recorded(module: nn.Module, images: Tensor) -> tuple[list[Operator], list[Value]]:
    recorder = _Recorder(images)
    with torch.no_grad(), recorder:
        out = module(images)
    outputs = recorder.value(list(out) if isinstance(out, tuple) else [out])
    if not all(isinstance(one, Value) for one in outputs):
        raise UntraceableError("an output does not depend on the images")
    return recorder.operators, outputs


def _values_in(given: Any) -> bool:
    if isinstance(given, list):
        return any(map(_values_in, given))
    return isinstance(given, Value)


def _merged(one: Any, two: Any) -> Any:
    """What two batches have in common; numbers that are the sizes of the batches become BATCH."""
    if isinstance(one, Value):
        return Value(one.number, tuple(_merged(list(one.shape), list(two.shape))), one.dtype)
    if isinstance(one, Mapping):
        return {name: _merged(given, two[name]) for name, given in one.items()}
    if isinstance(one, list):
        if len(one) != len(two):
            raise UntraceableError("a list depends on the number of images")
        return [_merged(a, b) for a, b in zip(one, two, strict=True)]
    if isinstance(one, Tensor):
        if one.shape != two.shape or not torch.equal(one, two):
            raise UntraceableError("a constant depends on the number of images")
        return one
    if one == two:
        return one
    if (one, two) == _SIZES:
        return BATCH
    raise UntraceableError(f"{one} of two images becomes {two} of three")
