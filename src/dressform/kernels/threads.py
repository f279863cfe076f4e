"""Each of torch's threads on a core of its own."""

import contextlib
import ctypes
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from dressform.kernels.switch import enabled


@contextlib.contextmanager
def pinned_threads(device: torch.device) -> Iterator[None]:
    """Each of torch's threads stays on a core of its own inside the block, where there is one for
    each; afterwards as before.

    Between two operations torch's threads wait for each other awake. When another program takes a
    core, the system moves a thread to the core of the one that waits for it, and each then keeps
    the other from running: training took five to fifty times as long beside one busy process
    (figures: docs/log.md). Linux and GNU's OpenMP only; elsewhere nothing happens. Processes and
    threads that are started inside the block begin on one core.
    """
    pins = device.type == "cpu" and hasattr(os, "sched_setaffinity") and enabled("pinned-threads")
    library = _openmp() if pins else None
    cores = sorted(os.sched_getaffinity(0)) if library is not None else []
    if library is None or len(cores) < 2 or torch.get_num_threads() != len(cores):
        yield
        return
    first = os.getpid()  # so that the first threads of two training runs seldom share a core
    _in_each_thread(
        library, lambda thread: os.sched_setaffinity(0, {cores[(first + thread) % len(cores)]})
    )
    try:
        yield
    finally:
        _in_each_thread(library, lambda thread: os.sched_setaffinity(0, cores))


@functools.cache
def _openmp() -> ctypes.CDLL | None:
    """GNU's OpenMP library, as torch has loaded it."""
    with contextlib.suppress(OSError, AttributeError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            path = line.rpartition(" ")[2]
            if "libgomp" in path and "/torch" in path:
                library = ctypes.CDLL(path)
                library.GOMP_parallel.restype = None
                return library
    return None


def _in_each_thread(library: ctypes.CDLL, act: Callable[[int], object]) -> None:
    def call(nothing: object) -> None:
        with contextlib.suppress(OSError):  # a core that was taken away meanwhile
            act(library.omp_get_thread_num())

    callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(call)
    library.GOMP_parallel(callback, None, torch.get_num_threads(), 0)
