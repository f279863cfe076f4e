"""Inference of trained networks: dressform, ONNX Runtime and torch, and MiniVGGNet in Keras on
TensorFlow with the same weights.

    python benchmarks/inference.py RUN|shipped [RUN…] [--keras PATH/TO/python] [--batch 256]
                                   [--rounds 3]

Each side runs in a process of its own, all sides in turn in every round; a round's figure is the
median of three passes over the 10,000 test images, after one that is not counted. Predicted
classes are compared with ONNX Runtime's float32 (default options). Keras takes part for runs of
``minivggnet``, and beside ``shipped``, the model that comes with dressform, with weights as drawn.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from inference_dressform import SIDES
from report import write_report

import dressform
from dressform.exploration.saliency import load_network
from dressform.runs.layout import SHIPPED

HERE = Path(__file__).resolve().parent
REFERENCE = "ONNX Runtime, default"


def main() -> None:
    """Run all sides and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--keras", help="Python of an environment with TensorFlow and Keras")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results = {}
    for model in options.runs:
        run = None if model == SHIPPED else dressform.open_run(model)
        results[run.manifest.recipe if run else SHIPPED] = one_network(
            run, options.keras, options.batch, options.rounds
        )
    command = (
        f"python benchmarks/inference.py RUN … --batch {options.batch} --rounds {options.rounds}"
    )
    print(json.dumps(results, indent=1))
    write_report(
        "inference",
        command,
        {"batch": options.batch, "rounds": options.rounds, "networks": results},
    )


def one_network(
    run: dressform.Run | None, keras: str | None, batch: int, rounds: int
) -> dict[str, Any]:
    """Figures of every side of a run, or of the shipped model, by name."""
    network = run.manifest.recipe if run else SHIPPED
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            name: [
                sys.executable,
                str(HERE / "inference_dressform.py"),
                name,
                str(run.path) if run else SHIPPED,
                str(batch),
            ]
            for name in SIDES
            if run or name != "torch eager"
        }
        if keras and network in ("minivggnet", SHIPPED):
            weights = Path(folder) / "weights.npz"
            np.savez(weights, **keras_weights(run) if run else {})
            commands["Keras model.predict"] = [
                keras,
                str(HERE / "inference_keras.py"),
                str(weights),
                str(batch),
            ]
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
        answers: dict[str, Any] = {}
        for _ in range(rounds):
            for name, command in commands.items():
                answer = Path(folder) / "answer.npy"
                done = subprocess.run(
                    [*command, str(answer)], capture_output=True, text=True, check=True
                )
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
                answers[name] = np.load(answer)
                print(
                    f"{network}, {name}: {found[name][-1]['images_per_second']:.0f} images/s",
                    file=sys.stderr,
                )
    labels = dressform.load_data()["test"].labels
    table = {}
    for name, rows in found.items():
        rates = [row["images_per_second"] for row in rows]
        table[name] = {
            "images_per_second": [round(rate, 1) for rate in rates],
            "median": round(statistics.median(rates), 1),
            "ms_for_one": round(statistics.median(row["ms"] for row in rows), 3),
            "same_classes": int((answers[name] == answers[REFERENCE]).sum()),
            "accuracy": float((answers[name] == labels).mean()),
        }
        if "versions" in rows[0]:
            table[name]["versions"] = rows[0]["versions"]
        if "Keras model.predict" in found:
            pairs = zip(
                rates,
                (row["images_per_second"] for row in found["Keras model.predict"]),
                strict=True,
            )
            table[name]["times_keras"] = round(statistics.median(a / b for a, b in pairs), 3)
    return table


def keras_weights(run: dressform.Run) -> dict[str, Any]:
    """The weights in the order and layout of Keras's ``set_weights``; ``Flatten`` has Keras's order
    already.
    """
    arrays = []
    for name, tensor in (
        load_network(run).network.state_dict().items()
    ):  # a layer's in Keras's order; the file's are sorted by name
        array = tensor.numpy()
        if not name.endswith("num_batches_tracked"):
            arrays.append(
                {4: lambda a: a.transpose(2, 3, 1, 0), 2: lambda a: a.T}.get(
                    array.ndim, lambda a: a
                )(array)
            )
    return {f"{i:03d}": array for i, array in enumerate(arrays)}


if __name__ == "__main__":
    main()
