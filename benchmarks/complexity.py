"""Parameters, multiply-adds and inference time of every recipe's network.

    python benchmarks/complexity.py [RECIPE…] [--rounds 5] [--no-timing]

What a network costs does not depend on what it learned, so nothing is trained: networks have random
weights, images are 28 x 28 x 1, classes ten. They are exported to ONNX and timed as `Predictor`
runs them, in batches of 64 and one by one. Recipes that are not named keep their figures of the
newest report. Nothing else may run meanwhile.
"""

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from read_reports import newest
from report import write_report

from dressform.core import config
from dressform.core.errors import RunError
from dressform.models.multiply_adds import count_multiply_adds
from dressform.models.network import Classifier, build_network, count_parameters
from dressform.predict.export import export_onnx
from dressform.predict.session import BATCH_SIZE, open_session
from dressform.recipes import RECIPES, find_recipe
from dressform.runs.manifest import hardware

SHAPE = (28, 28, 1)
TIMES = ("onnx_bytes", "ms_per_image", "ms_for_one", "hardware")
"""What a machine and an export are needed for."""
PASSES = 20
"""Batches of a round."""


def main() -> None:
    """Measure and write the report."""
    default = [name for name in RECIPES.names if not name.startswith("transfer-")]
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*", default=default)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-timing", action="store_true")
    options = parser.parse_args()
    for name in options.recipes:
        RECIPES.check(name)
    before = newest("complexity")
    rows: dict[str, Any] = {} if before is None else before["results"]["recipes"]
    for name in options.recipes:
        found = counts(name)
        if options.no_timing:
            before_row = rows.get(name, {})
            same = before_row.get("digest") == found["digest"]
            found |= {key: before_row[key] for key in TIMES if same and key in before_row}
        else:
            found |= timing(name, options.rounds)
        rows[name] = found
        print(name, rows[name], file=sys.stderr, flush=True)
    ordered = {name: rows[name] for name in RECIPES.names if name in rows}
    results = {"batch": BATCH_SIZE, "shape": SHAPE, "recipes": ordered}
    write_report(
        "complexity", f"python benchmarks/complexity.py --rounds {options.rounds}", results
    )


def network_of(recipe_name: str) -> Classifier:
    """A recipe's network with random weights."""
    model = find_recipe(recipe_name).model
    if getattr(model, "weights", "none") != "none":
        model = dataclasses.replace(model, weights="none")
    return Classifier(build_network(model, SHAPE, 10), torch.zeros(1), torch.ones(1)).eval()


def counts(recipe_name: str) -> dict[str, Any]:
    """What does not depend on a machine."""
    network = network_of(recipe_name)
    return {
        "digest": config.digest(find_recipe(recipe_name)),
        "parameters": count_parameters(network),
        "multiply_adds": count_multiply_adds(network, SHAPE),
    }


def timing(recipe_name: str, rounds: int) -> dict[str, Any]:
    """What the network takes here, as ONNX."""
    images = np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, *SHAPE), np.uint8)
    machine = hardware()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(network_of(recipe_name), images, path)
        return {
            "onnx_bytes": path.stat().st_size,
            **timed(path, images, rounds),
            "hardware": f"{machine['processor']}, {machine['cores']} cores",
        }


def timed(path: Path, images: NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    """Milliseconds per image, in batches and one by one: median over the rounds, and the range."""
    session = open_session(path, RunError)

    def milliseconds(batch: NDArray[np.uint8], passes: int) -> float:
        start = time.perf_counter()
        for _ in range(passes):
            session.run(["logits"], {"images": batch})
        return 1000 * (time.perf_counter() - start) / passes / len(batch)

    milliseconds(images, 2)
    batched = sorted(milliseconds(images, PASSES) for _ in range(rounds))
    single = sorted(milliseconds(images[:1], 10 * PASSES) for _ in range(rounds))
    return {
        name: {"median": statistics.median(v), "min": v[0], "max": v[-1], "n": rounds}
        for name, v in (("ms_per_image", batched), ("ms_for_one", single))
    }


if __name__ == "__main__":
    main()
