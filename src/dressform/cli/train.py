"""``dressform train``."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import percent, print_json, print_table
from dressform.cli.reading import DATA_HELP, READING, reading_options
from dressform.data.read_options import ReadArguments

if TYPE_CHECKING:  # it brings torch
    from dressform.experiment.auto.auto import AutoResult
    from dressform.runs.run import Run


@reading_options
def train(
    recipe: str = typer.Argument(
        "fast",
        help="A name of 'dressform recipes', file.py:function, or auto: compare candidates by "
        "cross-validation and train the best.",
    ),
    data: str = typer.Option(
        "fashion-mnist",
        "--data",
        help=DATA_HELP,
    ),
    seed: int = typer.Option(
        0, "--seed", help="Random seed for weights, order, augmentation and dropout."
    ),
    settings: list[str] = typer.Option(
        [], "--set", help="Change the recipe: epochs=3, optim.lr=0.05, model.dropout=0.1 …"
    ),
    out: Path = typer.Option(Path("runs"), "--out", help="Folder of all runs."),
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
    seconds = duration(budget or "10m")
    prepare_training([] if recipe == "auto" else [recipe], seed)
    with Progress() as progress:
        if recipe == "auto":
            result = training.train_auto(
                data,
                budget=seconds,
                elapsed=process_seconds(),
                seed=seed,
                out=out,
                resume=resume,
                device=device,
                callback=progress,
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
                **reading,
            )
    if recipe == "auto":
        _print_auto(result, as_json)
    elif as_json:
        print_json(_document(run))
    else:
        _print(run)


def duration(text: str) -> float:
    """Seconds of ``90s``, ``10m`` or ``1.5h``.

    Raises:
        ConfigError: anything else.
    """
    from dressform.core.errors import ConfigError

    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if match is None:
        raise ConfigError(
            f"--budget is {text}; allowed: a number with s, m or h, such as 90s, 10m or 1h"
        )
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _print_auto(result: "AutoResult", as_json: bool) -> None:
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
    rows = [
        (percent(c.mean), f"{c.seconds:.0f} s", c.description, c.command) for c in result.candidates
    ]
    if rows:
        print_table(("mean accuracy", "time", "candidate", "command"), rows)
    print(f"{'total':10s} {result.seconds:.0f} s")
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
    from dressform.evaluation.calibration import mean_confidence
    from dressform.evaluation.evaluate import describe, estimate
    from dressform.evaluation.metrics import METRICS

    layout, manifest = run.layout, run.manifest
    for split in ("validation", "test"):
        if layout.predictions(split).exists():
            accuracy = estimate(METRICS["accuracy"], run.predictions(split))
            print(f"{split:10s} accuracy {describe(accuracy)}")
    if layout.predictions("validation").exists():
        sentence = mean_confidence(run.predictions("validation"))[2]
        print(f"{'confidence':10s} {sentence}, on validation")
    epochs, seconds = manifest.results["epochs"], manifest.seconds["train"]
    limit = manifest.time_limit
    cut = limit is not None and limit.reached
    trained = f"{limit.trained_epochs:g} of {limit.planned_epochs}" if limit and cut else epochs
    ended = ", ended by the clock" if cut else ""
    print(f"{'trained':10s} {trained} epochs in {seconds:.0f} s{ended}")
    print(f"{'run':10s} {run.path}")
    print(f"{'per class':10s} {layout.report}")
    figures = sorted(path.name for path in layout.figures.glob("*.png"))
    if figures:
        print(f"{'figures':10s} {layout.figures}: {', '.join(figures)}")
