"""`dressform train auto` on a folder of photos: accuracy on its validation photos, seconds and
memory of the whole process.

    python benchmarks/transfer.py PHOTOS [--seeds 3] [--budget 10m] [--recipe auto] [--set …]

Each training is a process of its own with a folder of its own, so nothing is kept from one to the
next. PHOTOS has class folders under train and validation. With --recipe, that recipe alone.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from report import write_report


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--recipe", default="auto")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options = parser.parse_args()
    more = ["--budget", options.budget] if options.recipe == "auto" else []
    more += [word for text in options.settings for word in ("--set", text)]
    rows = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(once(options.recipe, options.photos, seed, more, folder))
            print(
                {k: v for k, v in rows[-1].items() if k != "candidates"},
                file=sys.stderr,
                flush=True,
            )
    accuracies, seconds = (
        [row["val_accuracy"] for row in rows],
        [row["wall_seconds"] for row in rows],
    )
    results = {
        "n": len(rows),
        "mean": fmean(accuracies),
        "sd": stdev(accuracies) if len(rows) > 1 else None,
        "median_wall_seconds": median(seconds),
        "most_wall_seconds": max(seconds),
        "peak_memory_mb": max(row["peak_memory_mb"] for row in rows),
        "runs": rows,
    }
    command = " ".join(
        [
            "python benchmarks/transfer.py PHOTOS",
            f"--seeds {options.seeds}",
            f"--recipe {options.recipe}",
            *more,
        ]
    )
    write_report(f"transfer-{options.recipe}", command, results)


def once(recipe: str, photos: Path, seed: int, more: list[str], folder: str) -> dict[str, Any]:
    """One call of the command line."""
    command = [
        sys.executable,
        "-m",
        "dressform",
        "train",
        recipe,
        "--data",
        str(photos),
        "--seed",
        str(seed),
        "--out",
        folder,
        "--json",
    ]
    started = time.perf_counter()
    done = subprocess.run([*command, *more], stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - started
    found: dict[str, Any] = json.loads(done.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        **found,
        "run": Path(found["run"]).parent.name,
        "wall_seconds": round(seconds, 1),
        "peak_memory_mb": round(peak),
    }


if __name__ == "__main__":
    main()
