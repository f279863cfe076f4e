import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dressform.training.hardware import frozen_gc, pinned_threads

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def test_garbage_is_searched_for_as_before_after_the_block() -> None:
    before = gc.get_freeze_count()
    with frozen_gc():
        assert gc.get_freeze_count() > before + 1000
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@pytest.mark.skipif(
    not LARGE_PAGES.exists() or "[never]" in LARGE_PAGES.read_text(),
    reason="the system has no large pages to give",
)
def test_freed_memory_is_kept_and_in_large_pages() -> None:
    code = """
import resource, torch
from pathlib import Path
from dressform.training.hardware import tune_allocator
tune_allocator()
torch.ones(8_000_000)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(8_000_000)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
heap = Path("/proc/self/smaps").read_text().split("[heap]")[1].split("VmFlags:")[1].splitlines()[0]
print(faults, "hg" in heap.split())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    faults, large = done.stdout.split()
    assert int(faults) < 500  # 7,800 pages of 4 KiB a time otherwise
    assert large == "True"


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores, and Linux",
)
def test_threads_are_pinned_inside_the_block_alone() -> None:
    before, threads = os.sched_getaffinity(0), torch.get_num_threads()

    def masks() -> list[set[int]]:
        return [os.sched_getaffinity(int(task.name)) for task in Path("/proc/self/task").iterdir()]

    try:
        torch.set_num_threads(len(before))
        torch.ones(1_000_000).mul(2)
        with pinned_threads(torch.device("cpu")):
            assert {frozenset(mask) for mask in masks() if len(mask) == 1} == {
                frozenset({core}) for core in before
            }
            with pinned_threads(torch.device("cpu")):
                pass
            assert len(os.sched_getaffinity(0)) == 1
        assert all(mask == before for mask in masks())
        torch.set_num_threads(1)
        with pinned_threads(torch.device("cpu")):
            assert os.sched_getaffinity(0) == before
    finally:
        torch.set_num_threads(threads)
