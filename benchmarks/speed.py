"""Seconds to 93.4, 94 and 95 % on Fashion-MNIST's test images, beside tutorial 0's 25 epochs in
Keras on TensorFlow.

    python benchmarks/speed.py [RECIPE…] [--seeds 10] [--keras PATH/TO/python] [--device auto]
    [--name speed]

What ``dressform bench speed`` measures, written to a dated report. Nothing else may run meanwhile.
"""

import argparse
import sys

from report import write_report

from dressform.experiment.speed import bench_speed


class Lines:
    """A line for each training and each epoch of Keras."""

    def trained(self, recipe: str, seed: int, accuracy: float, seconds: float) -> None:
        """Print it."""
        print(
            f"{recipe}, seed {seed}: test {100 * accuracy:.2f} %, {seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )

    def keras_epoch(self, epoch: int, accuracy: float, seconds: float) -> None:
        """Print it."""
        print(
            f"Keras, epoch {epoch}: test {100 * accuracy:.2f} %, {seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*", default=["fast"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--keras", help="Python of an environment with TensorFlow and Keras")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--name", default="speed")
    options = parser.parse_args()
    results = bench_speed(
        options.recipes,
        seeds=options.seeds,
        keras=options.keras,
        device=options.device,
        observer=Lines(),
    )
    keras = " --keras PATH/TO/python" if options.keras else ""
    name = "" if options.name == "speed" else f" --name {options.name}"
    command = (
        f"python benchmarks/speed.py {' '.join(options.recipes)} --seeds "
        f"{options.seeds}{keras}{name}"
    )
    write_report(options.name, command, results)


if __name__ == "__main__":
    main()
