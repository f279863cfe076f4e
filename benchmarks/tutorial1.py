"""Tutorial 1's study: its three variants over repeated folds, and the extensions that it asks its
reader to explore.

    python benchmarks/tutorial1.py variants [--repeats 2] [--out runs]
    python benchmarks/tutorial1.py extensions [--out runs]

Everything is judged out of fold on the 60,000 training images; test is not touched.
Cross-validations are kept and resumed, so the command can be stopped and started again. Each
extension is compared with the baseline on the same folds; p-values are adjusted for the nine
comparisons (Holm).
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from report import write_report

import dressform
from dressform.cli.fold_table import FoldTable
from dressform.core.files import read_json
from dressform.evaluation.compare import PredictionSet, compare
from dressform.evaluation.intervals import across_folds
from dressform.evaluation.metrics import METRICS
from dressform.evaluation.significance import holm
from dressform.runs.crossval import CrossvalRun

VARIANTS = ("baseline-cnn", "baseline-cnn-same", "baseline-cnn-same-64")
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "weight decay 0.0001": ("optim.weight_decay=0.0001",),
    "weight decay 0.001": ("optim.weight_decay=0.001",),
    "dropout 0.3": ("model.dropout=0.3",),
    "dropout 0.5": ("model.dropout=0.5",),
    "rate 0.001": ("optim.lr=0.001",),
    "rate 0.0001": ("optim.lr=0.0001",),
    "another convolution and pooling": ("model.depth=2",),
    "another dense layer": ("model.dense=100,100",),
    "early stopping, 3 epochs' patience, at most 30": (
        "epochs=30",
        "early_stopping.patience=3",
        "early_stopping.restore_best=true",
        "validation_fraction=0.1",
    ),
}


def main() -> None:
    """Run what was asked for and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("variants", "extensions"))
    parser.add_argument(
        "--repeats", type=int, default=2, help="of the variants; extensions have one"
    )
    parser.add_argument("--out", type=Path, default=Path("runs"))
    options = parser.parse_args()
    with FoldTable() as table:
        measure(options, table)


def measure(options: argparse.Namespace, table: FoldTable) -> None:
    """Cross-validate, compare and write the report."""
    data = dressform.load_data("fashion-mnist")
    common: dict[str, Any] = {
        "folds": 5,
        "out": options.out,
        "resume": True,
        "callback": table,
    }
    if options.what == "variants":
        runs = dressform.crossval(VARIANTS, data, repeats=options.repeats, **common)
        comparisons = compare([prediction_set(run, options.repeats) for run in runs])
        rows = {run.name: row(run, options.repeats) for run in runs}
        command = f"python benchmarks/tutorial1.py variants --repeats {options.repeats}"
    else:
        print("baseline", file=sys.stderr)
        baseline = dressform.crossval(VARIANTS[0], data, **common)[0]
        rows = {"as published": row(baseline, 1)}
        comparisons = []
        for name, settings in EXTENSIONS.items():
            print(name, file=sys.stderr)
            run = dressform.crossval(VARIANTS[0], data, settings=settings, **common)[0]
            rows[name] = row(run, 1) | {"settings": list(settings)}
            comparisons += compare(
                [prediction_set(baseline, 1, "as published"), prediction_set(run, 1, name)]
            )
        adjusted = holm([comparison.p_value for comparison in comparisons])
        comparisons = [replace(c, p_holm=p) for c, p in zip(comparisons, adjusted, strict=True)]
        command = "python benchmarks/tutorial1.py extensions"
    for comparison in comparisons:
        print(comparison.sentence())
    write_report(
        f"tutorial1-{options.what}",
        command,
        {"rows": rows, "comparisons": [c.to_json() for c in comparisons]},
    )


def prediction_set(run: CrossvalRun, repeats: int, name: str = "") -> PredictionSet:
    """The first repeats of a cross-validation; it may have more."""
    predictions, folds = run.out_of_fold()
    return PredictionSet(name or run.name, predictions[:repeats], folds[:repeats])


def row(run: CrossvalRun, repeats: int) -> dict[str, Any]:
    """Scores of the first repeats, and what they took."""
    side = prediction_set(run, repeats)
    folds = run.summary.folds[: repeats * run.folds]
    results = [read_json(run.layout.fold(f.repeat, f.fold).result) for f in folds]
    return {
        "accuracies": [f.accuracy for f in folds],
        "epochs": [f.epochs for f in folds],
        "seconds": [r["seconds"] for r in results],
        "threads": results[0]["threads"],
        "fold_digests": run.summary.fold_digests[:repeats],
        "estimates": {
            name: across_folds(side.fold_scores(METRICS[name]), run.folds).to_json()
            for name in ("accuracy", "macro_f1", "nll", "ece")
        },
    }


if __name__ == "__main__":
    main()
