"""``dressform train``."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import percent, print_json, print_table

if TYPE_CHECKING:  # they bring torch
    from dressform.data.dataset import DatasetSplits
    from dressform.runs.run import Run


def train(
    recipe: str = typer.Argument(
        "fast",
        help="A name of 'dressform recipes', file.py:function, or auto: what suits the data best, "
        "found by comparing.",
    ),
    data: str = typer.Option(
        "fashion-mnist",
        "--data",
        help="A dataset's name, or a path: IDX, CSV, class folders or NPZ.",
    ),
    seed: int = typer.Option(0, "--seed", help="Of weights, order, augmentation and dropout."),
    settings: list[str] = typer.Option(
        [], "--set", help="Change the recipe: epochs=3, optim.lr=0.05, model.dropout=0.1 …"
    ),
    out: Path = typer.Option(Path("runs"), "--out", help="Folder of all runs."),
    resume: bool = typer.Option(
        False, "--resume", help="Go on with an unfinished run; show a finished one."
    ),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    image_size: int | None = typer.Option(
        None,
        "--image-size",
        help="Side in pixels for folders of mixed sizes. Default: the recipe's, else 64.",
    ),
    budget: str | None = typer.Option(
        None, "--budget", help="Of auto: time for everything, such as 90s, 10m (default) or 1h."
    ),
    as_json: bool = Json,
) -> None:
    """Train a recipe, judge it and keep the run."""
    from dressform.core.errors import ConfigError
    from dressform.core.registry import is_file_reference
    from dressform.data.source import load_data
    from dressform.recipes import RECIPES, image_size_for

    if recipe == "auto":
        if settings:
            raise ConfigError(
                f"--set {settings[0]} was given with auto, which chooses the settings; leave it "
                f"out, or name a recipe"
            )
    elif not is_file_reference(
        recipe
    ):  # a typo is told at once, before torch and the data are loaded
        RECIPES.check(recipe)
    if budget is not None and recipe != "auto":
        raise ConfigError(
            f"--budget {budget} was given with {recipe}, which takes as long as it takes; leave "
            f"it out, or train auto"
        )
    if seed < 0:
        raise ConfigError(f"--seed is {seed}; allowed: 0 or more")
    if recipe == "auto":
        _auto(data, duration(budget or "10m"), seed, out, resume, device, image_size, as_json)
        return
    image_size = image_size_for(recipe) if image_size is None else image_size

    from dressform.cli.progress import Progress

    progress = Progress()
    try:
        progress.phase("reading the data")
        splits = load_data(data, image_size=image_size)
        for note in splits.notes:
            progress.say(f"note: {note}")

        from dressform.experiment.train_run import train_run

        run = train_run(
            recipe,
            splits,
            settings=settings,
            seed=seed,
            out=out,
            resume=resume,
            device=device,
            source=data,
            image_size=image_size,
            observer=progress,
        )
        progress.phase("drawing figures")
        figures = _figures(run, splits, progress.say)
    finally:
        progress.close()
    _tell(run, figures, as_json)


def duration(text: str) -> float:
    """Seconds of ``90s``, ``10m`` or ``1.5h``.

    Raises:
        ConfigError: anything else.
    """
    from dressform.core.errors import ConfigError

    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None:
        raise ConfigError(
            f"--budget is {text}; allowed: a number with s, m or h, such as 90s, 10m or 1h"
        )
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _auto(
    data: str,
    budget: float,
    seed: int,
    out: Path,
    resume: bool,
    device: str,
    image_size: int | None,
    as_json: bool,
) -> None:
    from dressform.cli.progress import Progress
    from dressform.experiment.auto import train_auto

    progress = Progress()
    try:
        found = train_auto(
            data,
            budget=budget,
            seed=seed,
            out=out,
            resume=resume,
            device=device,
            image_size=image_size,
            say=progress.say,
            observer=progress,
        )
        progress.phase("drawing figures")
        figures = _figures(found.run, found.data, progress.say)
    finally:
        progress.close()
    facts = {
        "candidates": found.rows,
        "left_out": found.left_out,
        "seconds": round(found.seconds, 1),
    }
    if not as_json:
        rows = [
            (percent(row["mean"]), f"{row['seconds']:.0f} s", row["words"], row["command"])
            for row in found.rows
        ]
        print_table(("over folds", "took", "candidate", "command"), rows)
        print(f"{'in all':10s} {found.seconds:.0f} s")
    _tell(found.run, figures, as_json, **facts)


def _figures(run: "Run", splits: "DatasetSplits", say: Callable[[str], object]) -> list[Path]:
    """Draw what is missing; a run is finished without figures, too."""
    from dressform import workbench

    try:
        return workbench.draw_missing(run, splits)
    except OSError as error:
        say(
            f"note: {error.filename or run.layout.figures} cannot be written "
            f"({error.strerror or error}); later: dressform figures"
        )
        return []


def _tell(run: "Run", figures: list[Path], as_json: bool, **facts: object) -> None:
    from dressform.evaluation.calibration import mean_confidence
    from dressform.evaluation.evaluate import describe, evaluate

    manifest = run.manifest
    results = manifest.results
    if as_json:
        print_json(
            {
                "run": str(run.path),
                "recipe": manifest.recipe,
                "seed": manifest.seed,
                "epochs": results["epochs"],
                "train_seconds": manifest.seconds["train"],
                "val_accuracy": results["val_accuracy"],
                "test_accuracy": results["test_accuracy"],
                **facts,
            }
        )
        return
    for split in ("validation", "test"):
        if run.layout.predictions(split).exists():
            print(f"{split:10s} accuracy {describe(evaluate(run.predictions(split)).accuracy)}")
    if (run.layout.predictions("validation")).exists():
        print(
            f"{'confidence':10s} {mean_confidence(run.predictions('validation'))[2]}, on validation"
        )
    print(f"{'trained':10s} {results['epochs']} epochs in {manifest.seconds['train']:.0f} s")
    print(f"{'run':10s} {run.path}")
    print(f"{'report':10s} {run.layout.report}")
    print(f"{'figures':10s} {run.layout.figures}: {', '.join(p.name for p in figures)}")
