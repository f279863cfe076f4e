"""Whether bfloat16 is quick on this machine: measured once, kept, and the same from then on,
however busy the machine is.

The instruction alone does not tell: some processors have AVX512-BF16 at half the speed of their
float32 units, others at several times it. What is found decides the bits of every later training,
so it must not change from one training to the next: it is written to a file of the user's, with its
figures, and ``dressform hardware --remeasure`` alone writes it again.
"""

import contextlib
import functools
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from dressform.core.files import sha256_bytes, write_atomic
from dressform.runs.manifest import hardware, now

FORMAT = 1
FASTER = 1.5
"""How many times as quick as float32 bfloat16 has to be."""
REPEATS = 24


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was found out about a processor.

    Attributes:
        processor: its name.
        capabilities: its instructions for bfloat16, as torch calls them.
        bfloat16: whether ``auto`` takes it.
        float32_seconds: of the processor's time for one product on one core, the best of many.
        bfloat16_seconds: likewise; None without such instructions.
        decided: when.
        torch: its version then.
        format: of this record.
    """

    processor: str
    capabilities: tuple[str, ...]
    bfloat16: bool
    float32_seconds: float
    bfloat16_seconds: float | None
    decided: str
    torch: str
    format: int = FORMAT


def choose_precision(
    name: Literal["auto", "float32", "bfloat16"], device: torch.device
) -> Literal["float32", "bfloat16"]:
    """The type that convolutions and matrix products are computed in; ``auto`` takes what is quick
    on the device.
    """
    if name == "auto":
        return "bfloat16" if fast_at_bfloat16(device) else "float32"
    return name


def fast_at_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 clearly faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return decision().bfloat16


@functools.cache
def decision() -> Decision:
    """What was decided about this processor, now or earlier. A folder that cannot be written to
    keeps nothing.
    """
    kept = _read(place())
    return _keep(measure(), replace=False) if kept is None else kept


def remeasure() -> Decision:
    """Decide again, and keep that."""
    found = _keep(measure(), replace=True)
    decision.cache_clear()
    return found


def place() -> Path:
    """The file of this processor's decision: in DRESSFORM_CACHE, else where the system keeps
    programs' caches.
    """
    if given := os.environ.get("DRESSFORM_CACHE"):
        folder = Path(given)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "dressform"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "dressform"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dressform"
    facts = [FORMAT, hardware()["processor"], *_capabilities()]
    return folder / f"hardware-{sha256_bytes(json.dumps(facts).encode())[:12]}.json"


def measure() -> Decision:
    """Time a product in both types, in turns, on one core, by the processor's time: another
    program's work falls on neither.
    """
    capabilities = _capabilities()
    best = {torch.float32: float("inf")} | ({torch.bfloat16: float("inf")} if capabilities else {})
    factors = {
        kind: (torch.ones(1024, 576, dtype=kind), torch.ones(576, 512, dtype=kind)) for kind in best
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(REPEATS):
            for kind, (a, b) in factors.items():
                start = time.thread_time()
                a @ b
                best[kind] = min(best[kind], time.thread_time() - start)
    finally:
        torch.set_num_threads(threads)
    seconds = best.get(torch.bfloat16)
    return Decision(
        processor=hardware()["processor"],
        capabilities=capabilities,
        bfloat16=seconds is not None and best[torch.float32] >= FASTER * seconds,
        float32_seconds=best[torch.float32],
        bfloat16_seconds=seconds,
        decided=now(),
        torch=torch.__version__,
    )


def _capabilities() -> tuple[str, ...]:
    known = torch.cpu.get_capabilities()
    return tuple(
        name for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16") if known.get(name)
    )


def _read(path: Path) -> Decision | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        document = json.loads(path.read_text(encoding="utf-8"))
        found = Decision(**{**document, "capabilities": tuple(document["capabilities"])})
        if isinstance(found.bfloat16, bool) and found.format == FORMAT:
            return found
    return None


def _keep(found: Decision, *, replace: bool) -> Decision:
    """Write a decision; of two processes that decide at the same time, the first one's counts for
    both.
    """
    path = place()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        damaged = path.exists() and _read(path) is None
        content = json.dumps(asdict(found), indent=2).encode()
        write_atomic(path, lambda file: file.write(content), replace=replace or damaged)
    return found if replace else _read(path) or found
