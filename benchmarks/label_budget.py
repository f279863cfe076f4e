"""How good a classifier gets with few labels: 10 to 1,000 training images a class of Fashion-MNIST,
judged on its test images.

    python benchmarks/label_budget.py [--per-class 10,30,100,300,1000] [--draws 5] [--fewer
    300=3,1000=2] [--validation]

Each draw takes other training images, the same number of each class and nothing else of
Fashion-MNIST, and trains each way of WAYS on them; the ways see the same draws. With --validation
they are judged on 5,000 other training images, and no report is written: for choosing.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from report import write_report

import dressform
from dressform.core.config import override
from dressform.data.dataset import Dataset
from dressform.evaluation.intervals import student
from dressform.kernels.process import tune_process
from dressform.recipes import find_recipe
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit
from dressform.training.inference import logits_of

LITE0 = "transfer-efficientnet-lite0"
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "from scratch": (
        "fast",
        (
            "hard_examples.fraction=1",
            "augment.shift=0.06",
            "augment.zoom=0.1",
            "label_smoothing=0.1",
        ),
    ),
    "last layer": (
        LITE0,
        ("model.frozen=9", "cached_features=2", "batch_size=64", "optim.lr=0.003"),
    ),
    "last stages": (LITE0, ()),
}
STEPS, FEWEST, MAX_EPOCHS = 600, 6, 60
"""Of a training: so many steps, but no fewer and no more epochs."""
JUDGED = 5000
"""Training images to judge by with --validation."""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-class", default="10,30,100,300,1000")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument(
        "--fewer", default="", help="NUMBER=DRAWS,… for numbers that need no 5 draws"
    )
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--set", action="append", default=[], dest="settings", help="for all ways")
    parser.add_argument("--validation", action="store_true")
    options = parser.parse_args()
    tune_process()
    fewer = {
        int(number): int(draws)
        for number, _, draws in (pair.partition("=") for pair in options.fewer.split(",") if pair)
    }
    data = dressform.load_data()
    test = data.test
    assert test is not None
    results: dict[str, dict[str, Any]] = {way: {} for way in options.ways.split(",")}
    for number in map(int, options.per_class.split(",")):
        for way in results:
            rows = []
            for draw in range(fewer.get(number, options.draws)):
                train, others = drawn(data.train, number, draw)
                rows.append(
                    once(way, options.settings, train, others if options.validation else test, draw)
                )
                print(number, way, draw, rows[-1], file=sys.stderr, flush=True)
            accuracies = [row["accuracy"] for row in rows]
            results[way][str(number)] = {
                "n": len(rows),
                "accuracy": student(accuracies, what="draws").to_json() if len(rows) > 1 else None,
                "accuracies": accuracies,
                "epochs": rows[0]["epochs"],
                "median_seconds": median(row["seconds"] for row in rows),
            }
        if not options.validation:  # after each number, so that what is finished is kept
            write_report(
                "label-budget",
                "python benchmarks/" + " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
                results,
            )


def drawn(train: Dataset, per_class: int, draw: int) -> tuple[Dataset, Dataset]:
    """So many examples of each class, and others to judge by."""
    order = np.random.default_rng([per_class, draw]).permutation(len(train))
    chosen = np.concatenate(
        [order[train.labels[order] == label][:per_class] for label in range(len(train.class_names))]
    )
    return train.take(chosen), train.take(np.setdiff1d(order[-2 * JUDGED :], chosen)[:JUDGED])


def once(
    way: str, settings: list[str], train: Dataset, judged: Dataset, seed: int
) -> dict[str, Any]:
    """One training. The judged examples are looked at after the last epoch only."""
    name, own = WAYS[way]
    recipe = override(find_recipe(name), own)
    batch = recipe.batch_size if recipe.name == LITE0 else max(16, min(250, len(train) // 20))
    epochs = min(MAX_EPOCHS, max(FEWEST, round(STEPS * batch / len(train))))
    recipe = override(recipe, [f"batch_size={batch}", f"epochs={epochs}", *settings])
    with TemporaryDirectory() as cache:
        started = time.perf_counter()
        fitted = fit(recipe, train, None, seed=seed, files=TrainingFiles(features=Path(cache)))
        seconds = time.perf_counter() - started
        logits = logits_of(fitted.network, judged, device=torch.device("cpu"))
        accuracy = float((logits.argmax(axis=1) == judged.labels).mean())
    return {"accuracy": accuracy, "epochs": recipe.epochs, "seconds": round(seconds, 1)}


if __name__ == "__main__":
    main()
