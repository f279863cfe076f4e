"""CUDA graphs: a function's kernels, recorded once and replayed, which spares the processor from
launching them one by one.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

WARM_UP = 3
"""Calls of a case before it is recorded: libraries choose kernels and workspaces, and optimisers
make their buffers, at first.
"""


class CudaGraphs:
    """A function of tensors and numbers, recorded for each combination of shapes and numbers.

    The first calls of a case run as they are, on a stream of their own, as torch asks for
    (torch.cuda.graph); they are calls like any other. Then the case is recorded, and each later
    call copies its tensors to where the recording reads them, replays it and copies what it gives.
    The function must not look at a tensor's values on the processor, and what it reads besides its
    arguments must stay at its place in memory.

    Attributes:
        seconds: that recording took so far.

    Args:
        function: positional tensors on one CUDA device, then numbers; gives tensors.
    """

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]) -> None:
        self._function = function
        self._cases: dict[tuple[Any, ...], _Case] = {}
        self._aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self.seconds = 0.0

    def __call__(self, *arguments: Tensor | float) -> tuple[Tensor, ...]:
        """What the function gives; tensors of the caller's own."""
        tensors = [a for a in arguments if isinstance(a, Tensor)]
        numbers = arguments[len(tensors) :]
        key = (*((t.shape, t.stride(), t.dtype) for t in tensors), *numbers)
        case = self._cases.setdefault(key, _Case())
        if case.calls < WARM_UP:
            case.calls += 1
            return self._as_it_is(*arguments)
        if case.graph is None:
            start = time.perf_counter()
            case.inputs = [t.clone() for t in tensors]
            case.graph = torch.cuda.CUDAGraph()
            torch.cuda.synchronize()
            with _nothing_collected(), torch.cuda.graph(case.graph, pool=self._pool):
                case.outputs = self._function(*case.inputs, *numbers)
            self.seconds += time.perf_counter() - start
        for place, tensor in zip(case.inputs, tensors, strict=True):
            place.copy_(tensor)
        case.graph.replay()
        return tuple(out.clone() for out in case.outputs)

    def _as_it_is(self, *arguments: Tensor | float) -> tuple[Tensor, ...]:
        current = torch.cuda.current_stream()
        self._aside.wait_stream(current)
        with torch.cuda.stream(self._aside):
            given = self._function(*arguments)
        current.wait_stream(self._aside)
        for tensor in given:
            tensor.record_stream(current)
        return given


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """Python's garbage collector rests inside the block: an older graph that it destroyed there
    would end the recording.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@dataclass
class _Case:
    calls: int = 0
    inputs: list[Tensor] = field(default_factory=list)
    outputs: tuple[Tensor, ...] = ()
    graph: torch.cuda.CUDAGraph | None = None
