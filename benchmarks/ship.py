"""Make a finished run the model that comes with dressform.

    python benchmarks/ship.py RUN

Copies `model.onnx`, `model.json`, the table of scores per class and the model card into
src/dressform/shipped, with a smaller reference for the recognition of unusual images, and writes a
report with the scores and the digests of its weights. The run's predictions of the test images were
made when it was trained; none are made here.
"""

import argparse
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
from report import write_report

import dressform
from dressform.core.errors import RunError
from dressform.core.files import sha256_file
from dressform.core.text import one_line
from dressform.data.catalog import CATALOG
from dressform.evaluation.calibration import with_temperature
from dressform.evaluation.evaluate import evaluate
from dressform.predict.bundle import write_onnx
from dressform.predict.features import penultimate
from dressform.predict.model_card import ModelCard
from dressform.predict.ood import OODDetector
from dressform.predict.readme import readme
from dressform.runs.command import train_command
from dressform.runs.run import Run

TARGET = Path(__file__).resolve().parent.parent / "src" / "dressform" / "shipped"
MAX_BYTES = 1_500_000
"""Of model.onnx."""
REFERENCES = 2000
"""Training images that unusual images are compared with: a fifth of what a run keeps, since the
file travels with dressform and is read at each start.
"""
INTRODUCTION = """
This model comes with dressform. `dressform predict photos/` uses it where nothing was trained, and
`dressform predict photos/ --model shipped` always; `dressform.Predictor("shipped")` in Python.
"""


def checked(run: Run) -> None:
    """Refuse a run that cannot be shipped.

    Raises:
        RunError: it is not finished, of other data, without test or validation images, or too
            large.
    """
    manifest = run.manifest
    if manifest.status != "finished" or manifest.dataset.name not in CATALOG:
        raise RunError(
            f"{run.path} is {manifest.status}, of {manifest.dataset.name}; allowed: a finished run "
            f"of {', '.join(CATALOG)}"
        )
    for split in ("validation", "test"):
        run.predictions(split)
    size = run.layout.onnx.stat().st_size
    if size > MAX_BYTES:
        raise RunError(
            f"{run.layout.onnx} has {size:,} bytes; allowed: {MAX_BYTES:,}; ship a smaller network"
        )


def ship(run: Run, target: Path) -> None:
    """Copy the files, with a model card that says how they are used."""
    card = ModelCard.load(run.layout.model)
    shutil.rmtree(target, ignore_errors=True)
    write_onnx(run, target)
    head, title, rest = readme(run, card).partition(f"# Model Card for {card.name}\n")
    text = f"{head}{title}{INTRODUCTION}{rest}".replace("--model FOLDER", "--model shipped")
    text = text.replace(
        "`FOLDER` holds `model.onnx` and `model.json` (of a run, its folder will do). ", ""
    )
    (target / "README.md").write_text(text, encoding="utf-8")


def reference_of(run: Run) -> OODDetector:
    """What recognises unusual images, by fewer training images than the run's own."""
    train = dressform.load_data(run.manifest.dataset.name).train
    validated = run.predictions("validation")
    rows = {name: row for row, name in enumerate(train.ids)}
    held_out = np.array([rows[name] for name in validated.ids])
    learned = np.setdiff1d(np.arange(len(train)), held_out)
    reference = train.images[learned[:: -(-len(learned) // REFERENCES)]]
    validation = train.images[held_out]
    known, unseen = (penultimate(run.layout.onnx, x).values for x in (reference, validation))
    correct = validated.predicted == validated.labels
    detector = OODDetector.fit(known, reference, unseen, validation, correct)
    assert detector is not None
    return detector


def main() -> None:
    """Check, copy and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    run = dressform.open_run(options.run)
    checked(run)
    ship(run, TARGET)
    reference = TARGET / run.layout.ood_reference.name
    reference_of(run).save(reference)
    manifest, test = run.manifest, run.predictions("test")
    temperature = test.temperature
    estimates = evaluate(test).estimates
    before = evaluate(with_temperature(test, 1.0)).estimates
    results = {
        "name": run.name,
        "command": one_line(" ".join(train_command(manifest))),
        "recipe": manifest.recipe,
        "settings": list(manifest.settings),
        "seed": manifest.seed,
        "digest": manifest.digest,
        "weights_sha256": {**manifest.weights, reference.name: sha256_file(reference)},
        "onnx_bytes": run.layout.onnx.stat().st_size,
        "parameters": manifest.results["parameters"],
        "temperature": temperature,
        "test_accuracy": asdict(estimates["accuracy"]),
        "test_ece": asdict(estimates["ece"]),
        "test_ece_without_temperature": asdict(before["ece"]),
        "test_nll": asdict(estimates["nll"]),
        "train_seconds": manifest.seconds["train"],
        "trained_on": dict(manifest.hardware),
        "trained": manifest.started,
        "trained_by": manifest.git,
    }
    command = f"python benchmarks/ship.py {'/'.join(run.path.resolve().parts[-4:])}"
    write_report("shipped", command, results)


if __name__ == "__main__":
    main()
