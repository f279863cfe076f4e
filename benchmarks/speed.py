"""Seconds to 93.4, 94 and 95 % on Fashion-MNIST's test images, beside tutorial 0's 25 epochs in
Keras on TensorFlow.

    python benchmarks/speed.py [RECIPE…] [--seeds 10] [--keras PATH/TO/python] [--keras-seeds 1]
    [--device auto] [--name speed] [--out FOLDER]

Each training runs alone, in a fresh process with all cores: nothing else may run meanwhile. Seconds
are those of the whole training, from building the network to the last weights, validation included
where the recipe holds images out; reading the data and starting Python are not counted, on either
side. Test is opened once by each of our trainings, for its last weights. The other side runs
between the two halves of ours, so that both meet the same machine.

With `--out`, trainings are kept there: finished ones are not repeated, unfinished ones continued,
and a teacher that was trained as a recipe of its own is used; its seconds count all the same.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from report import write_report
from trainings import facts, train

from dressform.data.catalog import CATALOG
from dressform.evaluation.intervals import student
from dressform.recipes import RECIPES
from dressform.runs.manifest import Manifest

DATASET = "fashion-mnist"
LEVELS = (0.934, 0.94, 0.95)
"""Test accuracies whose times are compared; tutorial 0's network ends at the first."""
KERAS_EPOCHS = 25
KERAS_CHECK = "import tensorflow, keras.src.trainers.data_adapters.array_data_adapter"


def say(line: str) -> None:
    """A line on stderr."""
    print(line, file=sys.stderr, flush=True)


def train_keras(python: str, seed: int) -> list[dict[str, Any]]:
    """Tutorial 0's network in Keras: a row per epoch."""
    script = Path(__file__).with_name("keras_minivggnet.py")
    folder = CATALOG[DATASET].path()
    command = [python, str(script), str(folder), str(KERAS_EPOCHS), str(seed)]
    epochs: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            epochs.append(json.loads(line))
            last, total = epochs[-1], sum(row["seconds"] for row in epochs)
            accuracy = 100 * last["test_accuracy"]
            say(f"Keras, epoch {last['epoch']}: test {accuracy:.2f} %, {total:.1f} s")
    if process.returncode:
        raise SystemExit(f"Keras ended with code {process.returncode}")
    return epochs


def result(manifest: Manifest) -> dict[str, Any]:
    """What a training gave, and on what."""
    accuracy = manifest.results["test_accuracy"]
    # Of one that was continued, or whose teacher was there, "fit" is a part only.
    seconds = max(manifest.seconds["train"], manifest.seconds["fit"])
    weights = manifest.weights["last.safetensors"]
    return {
        "test_accuracy": accuracy,
        "seconds": seconds,
        "weights_sha256": weights,
        **facts(manifest),
    }


def row(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A recipe's trainings, each as :func:`result` gives it, in one row."""
    accuracies, seconds = [r["test_accuracy"] for r in results], [r["seconds"] for r in results]
    several = len(results) > 1
    names = ("digest", "hardware", "threads", "precision", "device", "packages")
    return {
        "n": len(results),
        "accuracies": accuracies,
        "seconds": seconds,
        "weights_sha256": [r["weights_sha256"] for r in results],
        "accuracy": {**asdict(student(accuracies, what="seeds")), "sd": stdev(accuracies)}
        if several
        else {"value": accuracies[0]},
        "mean_seconds": fmean(seconds),
        "sd_seconds": stdev(seconds) if several else None,
        **{name: results[0][name] for name in names},
    }


def times_to(
    level: float, rows: dict[str, dict[str, Any]], keras: Sequence[Sequence[dict[str, Any]]]
) -> dict[str, Any]:
    """Ours: the fastest recipe whose mean accuracy is as high. Keras: until the first epoch that
    is, in each training.
    """
    reached = {
        name: row["mean_seconds"] for name, row in rows.items() if row["accuracy"]["value"] >= level
    }
    best = min(reached, key=reached.__getitem__, default=None)
    times: list[float | None] = []
    for epochs in keras:
        first = next((i for i, row in enumerate(epochs) if row["test_accuracy"] >= level), None)
        times.append(None if first is None else sum(row["seconds"] for row in epochs[: first + 1]))
    return {"recipe": best, "seconds": reached.get(best) if best else None, "keras_seconds": times}


def ratio(
    rows: dict[str, dict[str, Any]], keras: Sequence[Sequence[dict[str, Any]]]
) -> float | None:
    """Mean seconds of the tutorial's whole training in Keras over ours to a mean of 94 %; None
    where one is missing.
    """
    ours = times_to(0.94, rows, ())["seconds"]
    if not keras or not ours:
        return None
    return float(fmean(sum(row["seconds"] for row in epochs) for epochs in keras) / ours)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*", default=["fast"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--keras", help="Python of an environment with TensorFlow and Keras")
    parser.add_argument("--keras-seeds", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--name", default="speed")
    parser.add_argument("--out", type=Path, help="folder of runs; a temporary one by default")
    options = parser.parse_args()
    for name in options.recipes:
        RECIPES.check(name)
    if options.keras:
        subprocess.run([options.keras, "-c", KERAS_CHECK], check=True)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in options.recipes}
    order = [(name, seed) for seed in range(options.seeds) for name in results]
    keras: list[list[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for index, (name, seed) in enumerate(order):
            if index == len(order) // 2 and options.keras:
                keras = [train_keras(options.keras, s) for s in range(options.keras_seeds)]
            out = options.out or Path(folder)
            trained = result(train(name, seed, out, device=options.device).manifest)
            results[name].append(trained)
            accuracy = 100 * trained["test_accuracy"]
            say(f"{name}, seed {seed}: test {accuracy:.2f} %, {trained['seconds']:.1f} s")
    rows = {name: row(trainings) for name, trainings in results.items()}
    python = " --keras PATH/TO/python" if options.keras else ""
    name = "" if options.name == "speed" else f" --name {options.name}"
    name += " --out FOLDER" if options.out else ""
    recipes = " ".join(options.recipes)
    command = f"python benchmarks/speed.py {recipes} --seeds {options.seeds}{python}{name}"
    document = {
        "dataset": DATASET,
        "recipes": rows,
        "keras": keras,
        "levels": {f"{level:g}": times_to(level, rows, keras) for level in LEVELS},
        "ratio": ratio(rows, keras),
    }
    write_report(options.name, command, document)


if __name__ == "__main__":
    main()
