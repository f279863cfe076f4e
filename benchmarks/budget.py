"""Whether `dressform train auto --budget` keeps its time, alone and beside busy processes.

    python benchmarks/budget.py [--data fashion-mnist …] [--budgets 60,120] [--busy 0,1,2]
        [--repeats 2] [--examples 5000]

With --examples, so many training images and a fifth as many test images of each data set, for
small budgets on slow machines.

Each call is a process of its own with a folder of its own, and its seconds are those of the whole
process. A busy process is `python -c "while True: pass"`, begun before the call and ended after
it. A call that finds its budget too small ends with exit code 1; its seconds count too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from report import write_report

from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.data.source import load_data

ALLOWED_SECONDS, ALLOWED_FRACTION = 15.0, 0.10
"""A call may take so much longer than its budget, whichever is more."""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["fashion-mnist"])
    parser.add_argument("--budgets", default="60,120")
    parser.add_argument("--busy", default="0,1,2")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--examples", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = options.data
        if options.examples:
            sources = [part(data, options.examples, Path(folder)) for data in options.data]
        rows = [
            once(data, float(budget), int(busy), seed)
            for data in sources
            for budget in options.budgets.split(",")
            for busy in options.busy.split(",")
            for seed in range(options.repeats)
        ]
    results = {
        "n": len(rows),
        "finished": sum(row["exit_code"] == 0 for row in rows),
        "in_time": sum(row["in_time"] for row in rows),
        "most_seconds_over": max(row["seconds"] - row["budget"] for row in rows),
        "rows": rows,
    }
    names = " ".join(Path(data).name for data in options.data)
    command = (
        f"python benchmarks/budget.py --data {names} --budgets {options.budgets} "
        f"--busy {options.busy} --repeats {options.repeats}"
        + (f" --examples {options.examples}" if options.examples else "")
    )
    write_report("budget", command, results)


def part(data: str, examples: int, folder: Path) -> str:
    """An archive of some of a data set's images."""
    splits = load_data(data)
    path = folder / f"{splits.name}-{examples}.npz"
    test = None if splits.test is None else splits.test.take(np.arange(examples // 5))
    train = splits.train.take(np.arange(examples))
    write_archive(path, DatasetSplits(path.stem, train, None, test))
    return str(path)


def once(data: str, budget: float, busy: int, seed: int) -> dict[str, Any]:
    """One call of the command line."""
    command = [sys.executable, "-m", "dressform", "train", "auto", "--json", "--data", data]
    command += ["--budget", f"{budget:g}s", "--seed", str(seed)]
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    load = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            done = subprocess.run(
                [*command, "--out", folder], capture_output=True, text=True, check=False
            )
            seconds = time.perf_counter() - started
            row = {
                "data": Path(data).name,
                "budget": budget,
                "busy": busy,
                "seed": seed,
                "load_before": round(load, 1),
                "seconds": round(seconds, 1),
                "in_time": seconds <= budget + max(ALLOWED_SECONDS, ALLOWED_FRACTION * budget),
                "exit_code": done.returncode,
                **answer(done.stdout, done.stderr),
            }
    finally:
        for process in others:
            process.kill()
            process.wait()
    print(row, file=sys.stderr, flush=True)
    return row


def answer(stdout: str, stderr: str) -> dict[str, Any]:
    """What a call has found, or why it has not."""
    if not stdout.strip():
        return {"message": stderr.strip().splitlines()[-1]}
    found = json.loads(stdout)
    if "error" in found:
        return {"message": found["error"]}
    limit = json.loads((Path(found["run"]) / "manifest.json").read_text())["time_limit"]
    return {
        "recipe": found["recipe"],
        "val_accuracy": found["val_accuracy"],
        "compared": len(found["candidates"]),
        "skipped": found["skipped"],
        "planned_epochs": limit["planned_epochs"],
        "trained_epochs": limit["trained_epochs"],
        "ended_by_clock": limit["reached"],
    }


if __name__ == "__main__":
    main()
