import os
from pathlib import Path

import pytest
import torch

from dressform.kernels.threads import pinned_threads


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
