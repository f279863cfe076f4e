"""What each of the faster ways in src/dressform/kernels saves.

    python benchmarks/kernels.py [--rounds 5] [--only NAME…]

For each kernel and a recipe that it was made for: seconds of an epoch with it and without it
(DRESSFORM_PLAIN=NAME), each training in a fresh process, the two sides in turn. ``plain`` turns all
of them off at once. Nothing else may run meanwhile. Kernels that need other hardware (AMX, CUDA)
are left out where it is missing, and named. --only measures some of them, and keeps the other rows
of today's report.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from datetime import date
from typing import Any

from read_reports import reports
from report import write_report

from dressform.kernels.convolution import has_amx
from dressform.kernels.switch import KERNELS, VARIABLE

EXAMPLES = 12_000
CASES: dict[str, list[tuple[str, list[str]]]] = {
    "plain": [("fast", []), ("baseline-cnn", []), ("simple-dense", []), ("minivggnet", [])],
    "allocator": [("fast", []), ("minivggnet", [])],
    "depthwise": [("transfer-efficientnet-lite0", ["precision=bfloat16"])],
    "dropout": [("minivggnet", []), ("baseline-cnn", [])],
    "float32-small-batches": [("baseline-cnn", ["precision=bfloat16"])],
    "flush-denormals": [("simple-dense", ["epochs=12"])],
    "frozen-gc": [("fast", []), ("simple-dense", [])],
    "lean-optimizers": [("fast", []), ("simple-dense", [])],
    "onnx-runtime": [("transfer-efficientnet-lite0", ["precision=float32"])],
    "pooled-convolution": [("baseline-cnn", ["precision=float32"])],
    "wide-convolution": [("fast", ["precision=bfloat16"])],
}
TRAINING = """
import json, sys, time
from dressform.core.threads import wait_briefly
wait_briefly()
import numpy as np
import dressform
from dressform.core.config import override
from dressform.kernels.process import tune_process
from dressform.recipes import find_recipe
from dressform.training.fit import fit
tune_process()
name, examples, *settings = sys.argv[1:]
recipe = override(find_recipe(name), ["epochs=2", *settings])
train = dressform.load_data().train.take(np.arange(int(examples)))
started = time.perf_counter()
history = fit(recipe, train, None).history
before = time.perf_counter() - started - sum(row.seconds for row in history)
print(json.dumps({"epoch": history[-1].seconds, "before": before}))
"""


def seconds(recipe: str, settings: list[str], plain: str) -> float:
    """Of the last epoch; of a pretrained network, of everything before it too, for an image."""
    transfer = recipe.startswith("transfer")
    examples = 300 if transfer else EXAMPLES
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, recipe, str(examples), *settings],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, VARIABLE: plain},
    )
    times = json.loads(done.stdout)
    return float(times["epoch"] + (times["before"] if transfer else 0))


def measure(kernel: str, recipe: str, settings: list[str], rounds: int) -> dict[str, Any]:
    """Both sides in turn."""
    plain = "1" if kernel == "plain" else kernel
    with_it, without = [], []
    for _ in range(rounds):
        with_it.append(seconds(recipe, settings, ""))
        without.append(seconds(recipe, settings, plain))
    faster, slower = statistics.median(with_it), statistics.median(without)
    return {
        "recipe": recipe,
        "settings": settings,
        "seconds_with": with_it,
        "seconds_without": without,
        "saves": 1 - faster / slower,
        "n": rounds,
    }


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    options = parser.parse_args()
    missing = {"pinned-threads": "see benchmarks/busy.py"}
    missing |= dict.fromkeys(("cuda-graphs", "tf32"), "see benchmarks/gpu.py")
    if not has_amx():
        missing["wide-convolution"] = "needs a processor with AMX"
    only = "" if options.only == list(CASES) else f" --only {' '.join(options.only)}"
    command = f"python benchmarks/kernels.py --rounds {options.rounds}{only}"
    results: dict[str, Any] = {}
    for path, report in reports("kernels")[:1]:
        if only and path.name.startswith(date.today().isoformat()):
            results = report["results"]["kernels"]
    for kernel in options.only:
        if kernel in missing:
            continue
        results[kernel] = []
        for recipe, settings in CASES[kernel]:
            row = measure(kernel, recipe, settings, options.rounds)
            results[kernel].append({**row, "command": command})
            text = f"{kernel}, {' '.join([recipe, *settings])}: saves {100 * row['saves']:.1f} %"
            print(text, file=sys.stderr, flush=True)
    unmeasured = {name: missing[name] for name in KERNELS if name in missing}
    write_report("kernels", command, {"kernels": results, "unmeasured": unmeasured})


if __name__ == "__main__":
    main()
