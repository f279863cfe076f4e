"""Train every recipe and write what it reached to src/dressform/recipes/reproduced.json, which `dressform recipes` shows.

    python benchmarks/reproduce.py [--seeds 1] [RECIPE ...]

Runs are kept under runs/ and resumed, so the command can be stopped and started again. Test accuracy is that of the
weights that the recipe keeps; nothing is chosen on test.
"""

import argparse
import json
import statistics
import sys
from datetime import date
from pathlib import Path

import dressform
from dressform.cli.progress import Progress
from dressform.core.files import write_json
from dressform.recipes import RECIPES

RESULT = Path(__file__).resolve().parent.parent / "src" / "dressform" / "recipes" / "reproduced.json"


def main() -> None:
    """Run the recipes that were named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*", help="default: all")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0 to N - 1")
    options = parser.parse_args()
    for name in options.recipes:
        RECIPES.check(name)
    data = dressform.load_data("fashion-mnist")
    for name in options.recipes or RECIPES.names:
        print(f"== {name}", file=sys.stderr, flush=True)
        runs = [dressform.train(name, data, seed=seed, resume=True, observer=Progress()) for seed in range(options.seeds)]
        accuracies = [float(run.manifest.results["test_accuracy"]) for run in runs]
        document = json.loads(RESULT.read_text(encoding="utf-8"))
        document["command"] = "python benchmarks/reproduce.py"
        document["recipes"][name] = {
            "mean": round(statistics.mean(accuracies), 5),
            "sd": round(statistics.stdev(accuracies), 5) if len(accuracies) > 1 else None,
            "n": len(accuracies),
            "test_accuracies": accuracies,
            "val_accuracies": [run.manifest.results["val_accuracy"] for run in runs],
            "train_seconds": [run.manifest.seconds["train"] for run in runs],
            "digest": runs[0].manifest.digest,
            "hardware": f"{runs[0].manifest.hardware['processor']}, {runs[0].manifest.hardware['cores']} cores",
            "precision": runs[0].manifest.hardware["precision"],
            "date": date.today().isoformat(),
        }
        document["recipes"] = {key: document["recipes"][key] for key in RECIPES.names if key in document["recipes"]}
        write_json(RESULT, document)


if __name__ == "__main__":
    main()
