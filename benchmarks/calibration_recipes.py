"""How well the probabilities of every recipe's models are calibrated, before and after the
temperature that each training fits on its validation examples.

    python benchmarks/calibration_recipes.py [RECIPE…] [--seeds 3] [--minutes 10] [--out runs]
        [--set NAME=VALUE …] [--photos RUN …]

Without names: all recipes whose measured training takes at most so many minutes. Finished runs are
kept. ECE is measured on the test images, which each training opens once; its interval inverts a
parametric bootstrap test. `--photos` takes finished runs without a test split, such as those of
`train auto`: their validation photos, few, are scaled by temperatures that are fitted on others
(five parts), so that no photo influences its own.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from report import write_report
from trainings import facts, train

import dressform
from dressform.evaluation.calibration import mean_confidence, with_temperature
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.learned_temperature import cross_fitted
from dressform.predictions import Predictions
from dressform.recipes import RECIPES, entry
from dressform.runs.run import Run


def within(minutes: float) -> Iterator[str]:
    """Recipes whose median training was measured to take at most so long."""
    for name in RECIPES.names:
        scores = entry(name).reproduced()
        if scores is not None and statistics.median(scores["train_seconds"]) <= 60 * minutes:
            yield name


def compared(before: Predictions, after: Predictions) -> dict[str, Any]:
    """ECE, NLL, accuracy and mean confidence without and with a temperature."""
    sides: dict[str, Any] = {}
    for name, predictions in (("before", before), ("after", after)):
        estimates = evaluate(predictions).estimates
        confidence, _, sentence = mean_confidence(predictions)
        sides[name] = {
            **{key: asdict(estimates[key]) for key in ("ece", "nll", "accuracy")},
            "mean_confidence": confidence,
            "sentence": sentence,
        }
    assert (before.predicted == after.predicted).all()  # a temperature changes no class
    return {"examples": len(before), **sides}


def of_run(run: Run) -> dict[str, Any]:
    """A run on its test images."""
    test = run.predictions("test")
    row = compared(with_temperature(test, 1.0), test)
    return {"seed": run.manifest.seed, "temperature": test.temperature, **row}


def of_photos(run: Run) -> dict[str, Any]:
    """A run on its validation photos, cross-fitted."""
    photos = run.predictions("validation")
    raw = with_temperature(photos, 1.0)
    row = compared(raw, cross_fitted(raw))
    return {"run": run.name, "temperature": photos.temperature, **row, **facts(run.manifest)}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and extent of the ECE over the seeds."""
    found: dict[str, Any] = {"n": len(rows)}
    for side in ("before", "after"):
        values = [row[side]["ece"]["value"] for row in rows]
        found[f"ece_{side}"] = {
            "mean": statistics.fmean(values),
            "sd": statistics.stdev(values) if len(values) > 1 else None,
            "max": max(values),
        }
    return found


def say(name: str, row: Mapping[str, Any]) -> None:
    """A line on stderr."""
    texts = []
    for side in ("before", "after"):
        ece = row[side]["ece"]
        low, value, high = (100 * ece[key] for key in ("low", "value", "high"))
        texts.append(f"{side} {value:.2f} % ({low:.2f} to {high:.2f})")
    print(f"{name}: ECE {', '.join(texts)}", file=sys.stderr, flush=True)


def main() -> None:
    """Train what is missing, compare and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--photos", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    photos_alone = options.photos and not options.recipes
    names = options.recipes or ([] if photos_alone else list(within(options.minutes)))
    for name in names:
        RECIPES.check(name)
    recipes: dict[str, Any] = {}
    for name in names:
        rows = []
        for seed in range(options.seeds):
            run = train(name, seed, options.out, settings=options.settings)
            rows.append(of_run(run))
            say(f"{name}, seed {seed}", rows[-1])
        recipes[name] = {**summary(rows), **facts(run.manifest), "seeds": rows}
    photos = [of_photos(dressform.open_run(path)) for path in options.photos]
    for row in photos:
        say(row["run"], row)
    words = ["python benchmarks/calibration_recipes.py", *options.recipes]
    words += [f"--seeds {options.seeds}"] if names else []
    words += [f"--set {setting}" for setting in options.settings]
    words += ["--photos RUN …"] if photos else []
    results = {"settings": options.settings, "recipes": recipes, "photos": photos}
    name = "calibration-photos" if photos_alone else "calibration-recipes"
    write_report(name, " ".join(words), results)


if __name__ == "__main__":
    main()
