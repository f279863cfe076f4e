"""Which device to train on, and what it is fast at."""

import contextlib
import ctypes
import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import torch

from dressform.core.errors import ConfigError


def choose_device(name: Literal["auto", "cpu", "cuda"] | str = "auto") -> torch.device:
    """CUDA where there is one, else the processor.

    Raises:
        ConfigError: CUDA was asked for and is absent, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device is {name!r}; allowed: auto, cpu, cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError("device is cuda, but torch finds no CUDA GPU here; use --device cpu")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


RESERVED = 2**29
"""Bytes by which the heap grows during training."""


@contextlib.contextmanager
def flush_denormals() -> Iterator[None]:
    """Numbers too small for full precision (below 1e-38) become 0 inside the block, in this thread
    and those it starts.

    The momentum of a weight that gets no gradient any more, such as one that sees only black
    pixels, falls to such numbers within a thousand steps, and processors take a hundred times as
    long for them: training became a third slower as it went on. Put it around everything that
    computes, since torch's threads take the mode over when they start, once.
    """
    flushed = torch.tensor(1e-40).mul(1.0).item() == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)


def tune_allocator() -> None:
    """Have the C library keep freed memory for the next step in place of giving it back, and ask
    for large pages of it.

    Otherwise each step of a small network asks the system for the same few large blocks anew and
    waits for thousands of page faults; large pages save the processor from looking up where each
    small one lies (figures: docs/log.md). Affects this process only; where the library is not glibc
    nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
        libc.free.argtypes = [ctypes.c_void_p]
        libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        libc.mallopt(-4, 0)  # M_MMAP_MAX: large blocks from the heap too
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: do not shrink the heap
        # M_TOP_PAD: let it grow by so much at a time, none of which is used before it is touched
        libc.mallopt(-2, RESERVED)
        libc.free(libc.malloc(RESERVED))
        for line in Path("/proc/self/maps").read_text().splitlines():
            if line.endswith("[heap]"):
                start, end = (int(place, 16) for place in line.split()[0].split("-"))
                libc.madvise(start, end - start, 14)  # MADV_HUGEPAGE


@contextlib.contextmanager
def frozen_gc() -> Iterator[None]:
    """Have Python's search for garbage leave alone what exists before the block, which is most of
    torch.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


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
    library = _openmp() if device.type == "cpu" and hasattr(os, "sched_setaffinity") else None
    cores = sorted(os.sched_getaffinity(0)) if library is not None else []
    if library is None or len(cores) < 2 or torch.get_num_threads() != len(cores):
        yield
        return
    first = os.getpid()  # so that the first threads of two trainings seldom meet on one core
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

    library.GOMP_parallel(
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(call), None, torch.get_num_threads(), 0
    )


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """torch's own random state is ``seed`` inside the block (dropout draws from it) and as before
    after it.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield


@contextlib.contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Make cuDNN choose repeatable algorithms inside the block, and compute float32 in float32; the
    processor does both anyway.
    """
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield
