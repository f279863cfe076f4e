"""Counts what one training step of a recipe does; run by itself to renew the golden file.

python -m tests.training.step_operators
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "golden" / "step-operators.json"
COPIES = ("copy_", "_to_copy", "contiguous", "clone")
COUNTED = {"float32": (*COPIES, "reorder"), "bfloat16": COPIES}
"""Copies and casts: torch's operators, nested ones too, and oneDNN's changes of memory layout,
which differ between processors in bfloat16; and ``all`` of torch's operators.
"""
RECIPE = "fast"


def measured(precision: str) -> dict[str, int]:
    """Counts of the third step: what three steps do less what two do, each in a process of its
    own.
    """
    two, three = (_of_training(steps, precision) for steps in (2, 3))
    return {name: three[name] - two[name] for name in (*COUNTED[precision], "all")}


def _of_training(steps: int, precision: str) -> Counter[str]:
    environment = {**os.environ, "ONEDNN_VERBOSE": "profile_exec", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.training.step_operators", str(steps), precision]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    lines = done.stdout.splitlines()
    counts = Counter(json.loads(lines[-1]))
    counts["reorder"] = sum(
        "onednn_verbose" in line and ",exec,cpu,reorder," in line for line in lines
    )
    assert any("onednn_verbose" in line for line in lines)
    return counts


def _train(steps: int, precision: str) -> None:
    """Print how often each operator of torch ran in a training of one epoch, in bfloat16 as on a
    processor with AMX.
    """
    import numpy as np
    from torch.profiler import ProfilerActivity, profile

    from dressform.core.config import override
    from dressform.data.dataset import Dataset
    from dressform.kernels import convolution
    from dressform.recipes import find_recipe
    from dressform.training.fit import fit

    convolution.has_amx = lambda: True  # type: ignore[assignment]
    batch = 32
    random = np.random.default_rng(0)
    n = steps * batch
    images = random.integers(0, 256, (n, 28, 28, 1)).astype(np.uint8)
    data = Dataset(
        images, np.arange(n) % 10, np.array([f"{i:05d}" for i in range(n)]), tuple("abcdefghij")
    )
    recipe = override(
        find_recipe(RECIPE), ["epochs=1", f"batch_size={batch}", f"precision={precision}"]
    )
    with profile(activities=[ProfilerActivity.CPU]) as found:
        fit(recipe, data, None)
    counts: Counter[str] = Counter()
    for row in found.key_averages():
        if row.key.startswith("aten::"):
            counts[row.key.removeprefix("aten::")] += row.count
            counts["all"] += row.count
    print(json.dumps(counts))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _train(int(sys.argv[1]), sys.argv[2])
    else:
        GOLDEN.write_text(
            json.dumps({precision: measured(precision) for precision in COUNTED}, indent=2) + "\n"
        )
