"""Tutorial 1's study, 5 folds of 10 epochs of its baseline at batch 32: dressform against Keras on
TensorFlow.

    python benchmarks/crossval.py --keras PATH/TO/python [--folds 5] [--epochs 10] [--rounds 1]

Both sides are timed as whole processes, from the start of Python to the last file, one after the
other, each with all cores: reading the data, a fresh model for each fold, and after every epoch the
accuracy on the fold's held-out part. Memory is the largest sum over the process and its children of
what they hold in memory, sampled.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from report import write_report

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run both sides in turn and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--keras", required=True, help="Python of an environment with TensorFlow and Keras"
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    ours: list[dict[str, Any]] = []
    keras: list[dict[str, Any]] = []
    for i in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            sides = [("dressform", _ours(options, folder), ours), ("keras", _keras(options), keras)]
            for name, command, found in sides if i % 2 == 0 else reversed(sides):
                found.append(_timed(command))
                print(
                    f"round {i + 1} {name}: {found[-1]['seconds']:.1f} s, "
                    f"{found[-1]['peak_memory_mb']} MB",
                    flush=True,
                )
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(ours, keras, strict=True)]
    results = {
        "folds": options.folds,
        "epochs": options.epochs,
        "rounds": options.rounds,
        "dressform": [
            {k: side[k] for k in ("seconds", "peak_memory_mb")} | {"mean": side["answer"]["mean"]}
            for side in ours
        ],
        "keras": [
            {k: side[k] for k in ("seconds", "peak_memory_mb")} | side["answer"] for side in keras
        ],
        "keras_seconds_over_dressform_seconds": [round(ratio, 3) for ratio in ratios],
        "ratio_median": round(statistics.median(ratios), 3),
    }
    print(json.dumps(results, indent=1))
    command = (
        f"python benchmarks/crossval.py --folds {options.folds} --epochs {options.epochs} "
        f"--rounds {options.rounds}"
    )
    write_report("crossval", command, results)


def _ours(options: argparse.Namespace, folder: str) -> list[str]:
    study = [
        sys.executable,
        "-m",
        "dressform",
        "crossval",
        "baseline-cnn",
        "--folds",
        str(options.folds),
    ]
    return [*study, "--set", f"epochs={options.epochs}", "--out", folder, "--json"]


def _keras(options: argparse.Namespace) -> list[str]:
    return [options.keras, str(HERE / "crossval_keras.py"), str(options.folds), str(options.epochs)]


def _timed(command: list[str]) -> dict[str, Any]:
    started, peak = time.perf_counter(), 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        reader: list[str] = []
        thread = threading.Thread(target=lambda: reader.extend(process.communicate()))
        thread.start()
        while thread.is_alive():
            thread.join(0.25)
            peak = max(peak, _memory(process.pid))
        if process.returncode:
            raise SystemExit(reader[1])
    answer = json.loads(reader[0].splitlines()[-1])
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "peak_memory_mb": peak // 1024,
        "answer": answer,
    }


def _memory(pid: int) -> int:
    """Resident memory of a process and its descendants in KiB (Linux); 0 where it cannot be
    read.
    """
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(_memory(int(child)) for child in (task / "children").read_text().split())
    except OSError:
        return total
    return total


if __name__ == "__main__":
    main()
