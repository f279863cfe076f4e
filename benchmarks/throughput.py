"""Training throughput of a tutorial's network: dressform against Keras on TensorFlow.

    python benchmarks/throughput.py --keras PATH/TO/python [--network minivggnet] [--batch 256]
    [--rounds 5] [--images 12800]

The two sides run in turn, each round in a new process, on the first images of the real training
set; a round trains one epoch to warm up and then measures another. Same network (equal parameter
counts), same optimiser, same batch. Pairing rounds cancels the drift of a shared machine: the
figure to quote is the median of the rounds' ratios.
"""

import argparse
import json
import statistics
import subprocess
import sys
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
    parser.add_argument("--network", choices=("minivggnet", "baseline-cnn"), default="minivggnet")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=12_800, help="per epoch")
    options = parser.parse_args()
    ours: list[dict[str, Any]] = []
    keras: list[dict[str, Any]] = []
    for i in range(options.rounds):
        sides = [("dressform", sys.executable, ours), ("keras", options.keras, keras)]
        for name, python, found in sides if i % 2 == 0 else reversed(sides):
            script = HERE / f"throughput_{name}.py"
            command = [
                python,
                str(script),
                options.network,
                str(options.batch),
                str(options.images),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(
                f"round {i + 1} {name}: {found[-1]['images_per_second']:.0f} images/s", flush=True
            )
    ratios = [
        a["images_per_second"] / b["images_per_second"] for a, b in zip(ours, keras, strict=True)
    ]
    results = {
        "network": options.network,
        "batch": options.batch,
        "images": options.images,
        "parameters": {"dressform": ours[0]["parameters"], "keras": keras[0]["parameters"]},
        "precision": ours[0]["precision"],
        "versions": keras[0]["versions"],
        "dressform_images_per_second": [round(r["images_per_second"], 1) for r in ours],
        "keras_images_per_second": [round(r["images_per_second"], 1) for r in keras],
        "dressform_median": round(statistics.median(r["images_per_second"] for r in ours), 1),
        "keras_median": round(statistics.median(r["images_per_second"] for r in keras), 1),
        "ratios": [round(r, 3) for r in ratios],
        "ratio_median": round(statistics.median(ratios), 3),
    }
    print(json.dumps(results, indent=1))
    write_report(
        f"throughput-{options.network}-batch{options.batch}",
        f"python benchmarks/throughput.py --network {options.network} --batch {options.batch} "
        f"--rounds {options.rounds}"
        f" --images {options.images}",
        results,
    )


if __name__ == "__main__":
    main()
