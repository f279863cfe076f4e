"""Settings of a whole process, made by programs that own theirs: the command line and workers.

A library call never makes them; ``tune_process()`` is there for programs that want them too.
"""

import contextlib
import ctypes
import gc
import sys
from pathlib import Path

import torch

from dressform.kernels.switch import enabled

RESERVED = 2**29
"""Bytes by which the heap grows during training."""


def tune_process() -> None:
    """Prepare this process for training: allocator, denormals and garbage collector.

    Call it once, before torch computes anything: torch's threads inherit the denormal mode when
    they start. Where a setting does not exist, nothing happens.

    Denormals become 0: the momentum of a weight that no longer receives a gradient, such as one
    that sees only black pixels, decays to numbers below 1e-38 within a thousand steps, and
    processors take a hundred times as long for them. Training became a third slower as it went on.
    """
    if enabled("allocator"):
        tune_allocator()
    if enabled("flush-denormals"):
        torch.set_flush_denormal(True)
    if enabled("frozen-gc"):
        gc.collect()
        gc.freeze()


def tune_allocator() -> None:
    """Have glibc keep freed memory for the next step instead of giving it back, in large pages.

    Otherwise each step of a small network asks the system for the same few large blocks again and
    waits for thousands of page faults; large pages save the processor from looking up where each
    small one lies.
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
        libc.mallopt(-2, RESERVED)  # M_TOP_PAD: grow by so much; untouched memory costs nothing
        libc.free(libc.malloc(RESERVED))
        for line in Path("/proc/self/maps").read_text().splitlines():
            if line.endswith("[heap]"):
                start, end = (int(address, 16) for address in line.split()[0].split("-"))
                libc.madvise(start, end - start, 14)  # MADV_HUGEPAGE
