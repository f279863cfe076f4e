"""``dressform train``."""

import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.complete import complete_data, complete_trained
from dressform.cli.lists import Json
from dressform.cli.output import print_json
from dressform.cli.reading import DATA_HELP, READING, reading_options
from dressform.cli.table import print_table
from dressform.core.numbers import duration, percent
from dressform.core.text import counted
from dressform.data.read_options import ReadArguments
from dressform.runs.layout import DEFAULT_ROOT

if TYPE_CHECKING:  # it brings torch
    from dressform.experiment.auto.auto import AutoResult
    from dressform.runs.run import Run


@reading_options
def train(
    recipe: str = typer.Argument(
        "fast",
        help="A name of 'dressform recipes', file.py:function, or auto: compare candidates by "
        "cross-validation and train the best.",
        autocompletion=complete_trained,
    ),
    data: str = typer.Option(
        "fashion-mnist", "--data", help=DATA_HELP, autocompletion=complete_data
    ),
    seed: int = typer.Option(
        0, "--seed", help="Random seed for weights, order, augmentation and dropout."
    ),
    settings: list[str] = typer.Option(
        [], "--set", help="Change the recipe: epochs=3, optim.lr=0.05, model.dropout=0.1 …"
    ),
    out: Path = typer.Option(DEFAULT_ROOT, "--out", help="Folder of all runs."),
    resume: bool = typer.Option(
        False, "--resume", help="Continue an unfinished run; show a finished one."
    ),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    reading: ReadArguments = READING,
    budget: str | None = typer.Option(
        None,
        "--budget",
        help="Time limit for 'auto', such as 90s, 10m (default) or 1h.",
    ),
    as_json: bool = Json,
) -> None:
    """Train a recipe, evaluate it and save the run."""
    from dressform.cli.process import prepare_training
    from dressform.cli.progress import Progress
    from dressform.core.clock import process_seconds
    from dressform.core.errors import ConfigError
    from dressform.workbench import training

    if recipe == "auto" and settings:
        raise ConfigError(
            f"--set {settings[0]} was given with auto, which chooses the settings; leave it out, "
            f"or name a recipe"
        )
    if recipe != "auto" and budget is not None:
        raise ConfigError(
            f"--budget {budget} was given with {recipe}, which takes as long as it takes; leave it "
            f"out, or train auto"
        )
    prepare_training([] if recipe == "auto" else [recipe], seed)
    with Progress() as progress:
        if recipe == "auto":
            result = training.train_auto(
                data,
                budget=budget or "10m",
                elapsed=process_seconds(),
                seed=seed,
                out=out,
                resume=resume,
                device=device,
                callback=progress,
                progress=False,
                **reading,
            )
        else:
            run = training.train(
                recipe,
                data,
                settings=settings,
                seed=seed,
                out=out,
                resume=resume,
                device=device,
                callback=progress,
                progress=False,
                **reading,
            )
    if recipe == "auto":
        _print_auto(result, out, as_json)
    elif as_json:
        print_json(_document(run))
    else:
        _print(run)


def _alone(command: str, run: "Run", out: Path) -> str:
    """A candidate's command with the data of the run, to be pasted."""
    dataset = run.manifest.dataset
    words = [*shlex.split(command), "--data", dataset.source or dataset.name]
    words += replace(dataset.options, image_size=None).words()  # each candidate has its own
    return shlex.join(words if out == DEFAULT_ROOT else [*words, "--out", str(out)])


def _print_auto(result: "AutoResult", out: Path, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                **_document(result.run),
                "candidates": [asdict(candidate) for candidate in result.candidates],
                "skipped": result.skipped,
                "seconds": round(result.seconds, 1),
            }
        )
        return
    rows = [(c.description, percent(c.mean), duration(c.seconds)) for c in result.candidates]
    if rows:
        print_table(("candidate", "mean accuracy", "time"), rows, shorten=(), wrap=(0,))
        print("\ntrain one of them by itself:")
        print("\n".join(f"  {_alone(c.command, result.run, out)}" for c in result.candidates))
        print()
    print(f"{'total':10s} {duration(result.seconds)}")
    _print(result.run)


def _document(run: "Run") -> dict[str, object]:
    manifest = run.manifest
    return {
        "run": str(run.path),
        "recipe": manifest.recipe,
        "seed": manifest.seed,
        "epochs": manifest.results["epochs"],
        "train_seconds": manifest.seconds["train"],
        "val_accuracy": manifest.results["val_accuracy"],
        "test_accuracy": manifest.results["test_accuracy"],
    }


def _print(run: "Run") -> None:
    from dressform.evaluation.evaluate import describe, estimate
    from dressform.evaluation.metrics import METRICS
    from dressform.predict.model_card import ModelCard

    layout, manifest = run.layout, run.manifest
    for split in ("validation", "test"):
        if layout.predictions(split).exists():
            accuracy = estimate(METRICS["accuracy"], run.predictions(split))
            print(f"{split:10s} accuracy {describe(accuracy)}")
    confidence = ModelCard.load(layout.model).confidence
    if confidence is not None:
        shown = confidence.sentence.removeprefix("mean confidence ")
        print(f"{'confidence':10s} {shown}, on validation")
    epochs, seconds = manifest.results["epochs"], manifest.seconds["train"]
    limit = manifest.time_limit
    cut = limit is not None and limit.reached
    trained = (
        f"{limit.trained_epochs:g} of {limit.planned_epochs}" if limit and cut else f"{epochs:g}"
    )
    ended = ", ended by the clock" if cut else ""
    print(
        f"{'trained':10s} {trained} {'epoch' if trained == '1' else 'epochs'} in "
        f"{duration(seconds)}{ended}"
    )
    print(f"{'run':10s} {run.path}")
    for name, path in (("per class", layout.per_class), ("model card", layout.card)):
        if path.exists():
            print(f"{name:10s} {path}")
    figures = len(list(layout.figures.glob("*.png")))
    if figures:
        print(f"{'figures':10s} {counted(figures, 'file')} in {layout.figures}")
    print(f"{'next':10s} {shlex.join(['dressform', 'report', str(run.path)])}")
