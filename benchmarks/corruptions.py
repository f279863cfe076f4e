"""Accuracy of models on Fashion-MNIST's test images under the corruptions of Fashion-MNIST-C, at
their five severities.

python benchmarks/corruptions.py RUN [RUN …]
"""

import argparse
from pathlib import Path

from report import write_report

import dressform
from dressform.predict.predictor import Predictor
from dressform.predict.robustness import robustness


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    options = parser.parse_args()
    test = dressform.load_data().test
    assert test is not None
    found = {}
    for run in map(dressform.open_run, options.runs):
        name = f"{run.manifest.recipe}-{run.manifest.digest}, seed {run.manifest.seed}"
        found[name] = robustness(Predictor(run), test).to_json()
        print(name, found[name]["clean"]["value"], found[name]["mean"])
    write_report(
        "corruptions", "python benchmarks/corruptions.py " + " ".join(["RUN"] * len(found)), found
    )


if __name__ == "__main__":
    main()
