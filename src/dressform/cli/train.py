"""``dressform train``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say


def train(
    recipe: str = typer.Argument("fast", help="A name of 'dressform recipes', or file.py:function."),
    data: str = typer.Option("fashion-mnist", "--data", help="A dataset's name, or a path: IDX, CSV, class folders or NPZ."),
    seed: int = typer.Option(0, "--seed", help="Of weights, order, augmentation and dropout."),
    settings: list[str] = typer.Option([], "--set", help="Change the recipe: epochs=3, optim.lr=0.05, model.dropout=0.1 …"),
    out: Path = typer.Option(Path("runs"), "--out", help="Folder of all runs."),
    resume: bool = typer.Option(False, "--resume", help="Go on with an unfinished run; show a finished one."),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    image_size: int | None = typer.Option(None, "--image-size", help="Side in pixels for folders of mixed sizes."),
    as_json: bool = Json,
) -> None:
    """Train a recipe, judge it and keep the run."""
    from dressform.core.errors import ConfigError
    from dressform.core.registry import is_file_reference
    from dressform.data.source import load_data
    from dressform.recipes import RECIPES

    if not is_file_reference(recipe):  # a typo is told at once, before torch and the data are loaded
        RECIPES.check(recipe)
    if seed < 0:
        raise ConfigError(f"--seed is {seed}; allowed: 0 or more")
    splits = load_data(data, image_size=image_size)
    for note in splits.notes:
        say(f"note: {note}")

    from dressform import workbench
    from dressform.cli.progress import Progress
    from dressform.evaluation.evaluate import describe, evaluate
    from dressform.experiment.train_run import train_run

    progress = Progress()
    try:
        run = train_run(
            recipe, splits, settings=settings, seed=seed, out=out, resume=resume, device=device, source=data,
            image_size=image_size, observer=progress,
        )  # fmt: skip
    finally:
        progress.close()
    pictures = workbench.draw_missing(run, splits)
    manifest = run.manifest
    results = manifest.results
    if as_json:
        print_json(
            {
                "run": str(run.path), "recipe": manifest.recipe, "seed": manifest.seed, "epochs": results["epochs"],
                "train_seconds": manifest.seconds["train"], "val_accuracy": results["val_accuracy"],
                "test_accuracy": results["test_accuracy"],
            }
        )  # fmt: skip
        return
    for split, word in (("val", "validation"), ("test", "test")):
        if results[f"{split}_accuracy"] is not None:
            print(f"{word:10s} accuracy {describe(evaluate(run.predictions(split)).accuracy)}")
    print(f"{'trained':10s} {results['epochs']} epochs in {manifest.seconds['train']:.0f} s")
    print(f"{'run':10s} {run.path}")
    print(f"{'report':10s} {run.layout.report}")
    print(f"{'figures':10s} {run.layout.figures}: {', '.join(p.name for p in pictures)}")
