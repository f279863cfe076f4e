"""Every tutorial's recipe with several seeds: what was claimed beside what came out.

    python benchmarks/tutorials.py [RECIPE…] [--seeds 3] [--workers N] [--out runs]
    [--device auto] [--only-finished]

Writes src/dressform/recipes/reproduced.json and a report. Can be stopped and started again:
finished trainings are kept. Test is opened once by each training, for the weights that the recipe
keeps.
"""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from report import write_report
from trainings import facts, train

from dressform.core import config
from dressform.core.files import read_json, write_json
from dressform.evaluation.intervals import student, t_quantile
from dressform.recipes import RECIPES, entry, find_recipe
from dressform.runs.layout import Layout, run_folder
from dressform.runs.manifest import Manifest

DATASET = "fashion-mnist"
TARGET = Path(__file__).resolve().parent.parent / "src/dressform/recipes/reproduced.json"


def finished(name: str, seed: int, out: Path) -> bool:
    """Whether a training is finished."""
    folder = run_folder(out, DATASET, name, config.digest(find_recipe(name)), seed)
    manifest = Layout(folder).manifest
    return manifest.exists() and Manifest.load(manifest).status == "finished"


def row(name: str, manifests: Sequence[Manifest]) -> dict[str, Any]:
    """A recipe's line: mean, s.d., n, the accuracies and what was claimed."""
    test = [float(m.results["test_accuracy"] or 0) for m in manifests]
    validation = [float(m.results["val_accuracy"] or 0) for m in manifests]
    claim = entry(name)
    estimate = student(test, what="seeds")
    compared = {"test": test, "validation": validation, "folds": []}[claim.claimed_on]
    several = len(test) > 1
    first = facts(manifests[0])
    return {
        "mean": round(fmean(test), 5),
        "sd": stdev(test) if several else None,
        "n": len(test),
        "low": round(estimate.low, 5) if several else None,
        "high": round(estimate.high, 5) if several else None,
        "method": estimate.method,
        "claimed": claim.claimed,
        "claimed_on": claim.claimed_on,
        "claim": verdict(claim.claimed, compared),
        "test_accuracies": test,
        "val_accuracies": validation,
        "epochs": [m.results["epochs"] for m in manifests],
        "train_seconds": [m.seconds["train"] for m in manifests],
        **{name: first[name] for name in ("digest", "hardware", "threads", "precision")},
        "date": date.today().isoformat(),
    }


def verdict(claimed: float | None, accuracies: Sequence[float]) -> str | None:
    """Whether a published accuracy, of one training, is ``beaten``, ``met`` or ``missed`` by ours.

    Beaten: our mean is as high or higher. Met: the claim lies within the 95 % prediction interval
    of one more training, mean ± t s sqrt(1 + 1 / n). Missed: above that. None without a claim or
    with fewer than two seeds below it.

    Args:
        claimed: 0..1, or None.
        accuracies: of our seeds, on the same kind of examples.
    """
    if claimed is None or not accuracies:
        return None
    mean, n = fmean(accuracies), len(accuracies)
    if mean >= claimed:
        return "beaten"
    if n < 2:
        return None
    reach = t_quantile(0.975, n - 1) * stdev(accuracies) * math.sqrt(1 + 1 / n)
    return "met" if claimed <= mean + reach else "missed"


def main() -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser()
    # Transfer needs weights that not everybody has, and hours for 60,000 images; it is trained when
    # it is named.
    default = [name for name in RECIPES.names if not name.startswith("transfer-")]
    parser.add_argument("recipes", nargs="*", default=default)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only-finished", action="store_true")
    options = parser.parse_args()
    threads = max(1, len(os.sched_getaffinity(0)) // options.workers)

    def one(name: str, seed: int) -> Manifest:
        manifest = train(name, seed, options.out, device=options.device, threads=threads).manifest
        accuracy = 100 * float(manifest.results["test_accuracy"] or 0)
        print(f"{name}, seed {seed}: test {accuracy:.2f} %", file=sys.stderr, flush=True)
        return manifest

    document = read_json(TARGET)
    rows = dict(document["recipes"])
    with ThreadPoolExecutor(options.workers) as pool:
        for name in options.recipes:
            seeds = [
                seed
                for seed in range(options.seeds)
                if not options.only_finished or finished(name, seed, options.out)
            ]
            manifests = list(pool.map(lambda seed, name=name: one(name, seed), seeds))
            if manifests:
                rows[name] = row(name, manifests)
    command = f"python benchmarks/tutorials.py --seeds {options.seeds}"
    document = {**document, "command": command, "dataset": DATASET, "recipes": rows}
    write_json(TARGET, document)
    write_report("tutorials", command, document)


if __name__ == "__main__":
    main()
