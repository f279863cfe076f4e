"""CUDA graphs without CUDA: torch's operators of a block, recorded and replayed on the same
tensors.

As a real graph does, recording changes nothing, and a replay repeats the operators with the numbers
that they had: what the processor would have to look at anew (a rate in a Python number, a tensor
that was made elsewhere) stays as it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten


class Recording(TorchDispatchMode):
    """A stand-in for torch.cuda.CUDAGraph."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[Tensor]]] = []
        self._own: set[int] = set()
        self._before: dict[int, tuple[Tensor, Tensor]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute, and remember what was computed and what was changed."""
        kwargs = kwargs or {}
        name = str(func)
        assert "_local_scalar_dense" not in name, "a graph cannot look at values"
        given = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        # not those alone that the schema says are written to: batch norm's statistics are not among
        # them
        for tensor in given:
            place = tensor.untyped_storage().data_ptr()
            if place not in self._own and place not in self._before:
                whole = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
                self._before[place] = (whole, whole.clone())
        out = func(*args, **kwargs)
        outs = [t for t in tree_flatten(out)[0] if isinstance(t, Tensor)]
        self._own |= {t.untyped_storage().data_ptr() for t in outs} - {
            t.untyped_storage().data_ptr() for t in given
        }
        self.calls.append((func, args, kwargs, outs))
        return out

    def undo(self) -> None:
        """Recording is no computing."""
        for whole, before in self._before.values():
            whole.copy_(before)

    def replay(self) -> None:
        """The same operators on the same tensors, results in the same places."""
        with torch.no_grad():
            for func, args, kwargs, outs in self.calls:
                again = [t for t in tree_flatten(func(*args, **kwargs))[0] if isinstance(t, Tensor)]
                for place, tensor in zip(outs, again, strict=True):
                    if place.data_ptr() != tensor.data_ptr():
                        place.copy_(tensor)


class Nothing:
    """A stream that needs no waiting for."""

    def wait_stream(self, other: object) -> None:
        """Nothing to wait for."""


@pytest.fixture
def without_cuda(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    """Have torch.cuda's graphs record on the processor; gives the recordings made."""
    made: list[Recording] = []

    def graph() -> Recording:
        made.append(Recording())
        return made[-1]

    @contextmanager
    def record(graph: Recording, pool: object) -> Iterator[None]:
        with graph:
            yield
        graph.undo()

    @contextmanager
    def stream(stream: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", graph)
    monkeypatch.setattr(torch.cuda, "graph", record)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "Stream", Nothing)
    monkeypatch.setattr(torch.cuda, "current_stream", Nothing)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: None)
    return made
