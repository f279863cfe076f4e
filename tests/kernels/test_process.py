"""Settings of a whole process, each made in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def output_of(code: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**__import__("os").environ, **environment},
    )
    return done.stdout.split()


SETTINGS = """
import gc, torch
from dressform.kernels.process import tune_process
before = gc.get_freeze_count()
tune_process()
print(gc.get_freeze_count() - before > 1000, gc.isenabled(), torch.tensor(1e-40).mul(1.0).item())
"""


def test_all_settings_are_made_and_can_be_turned_off() -> None:
    assert output_of(SETTINGS) == ["True", "True", "0.0"]
    frozen, enabled, denormal = output_of(SETTINGS, DRESSFORM_PLAIN="1")
    assert (frozen, enabled) == ("False", "True")
    assert float(denormal) > 0
    frozen, _, denormal = output_of(SETTINGS, DRESSFORM_PLAIN="frozen-gc")
    assert (frozen, denormal) == ("False", "0.0")


def test_a_library_call_makes_none_of_them(tmp_path: Path) -> None:
    code = f"""
import gc, numpy as np, torch, dressform
images = np.random.default_rng(0).integers(0, 256, (200, 28, 28, 1)).astype(np.uint8)
ids = np.array([f"{{i:03}}" for i in range(200)])
train = dressform.Dataset(images, np.arange(200) % 10, ids, tuple("abcdefghij"))
data = dressform.DatasetSplits("made", train)
settings = ["epochs=1", "model.widths=4,4,4", "batch_size=50"]
dressform.train("fast", data, settings=settings, out={str(tmp_path)!r})
print(gc.get_freeze_count(), torch.tensor(1e-40).mul(1.0).item() > 0)
"""
    assert output_of(code) == ["0", "True"]


@pytest.mark.skipif(
    not LARGE_PAGES.exists() or "[never]" in LARGE_PAGES.read_text(),
    reason="the system has no large pages to give",
)
def test_freed_memory_is_kept_and_in_large_pages() -> None:
    code = """
import resource, torch
from pathlib import Path
from dressform.kernels.process import tune_allocator
tune_allocator()
torch.ones(8_000_000)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(8_000_000)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
heap = Path("/proc/self/smaps").read_text().split("[heap]")[1].split("VmFlags:")[1].splitlines()[0]
print(faults, "hg" in heap.split())
"""
    faults, large = output_of(code)
    assert int(faults) < 500  # 7,800 pages of 4 KiB a time otherwise
    assert large == "True"
