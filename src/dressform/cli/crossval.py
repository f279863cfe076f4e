"""``dressform crossval``."""

from dataclasses import asdict
from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import describe_folds, print_json, print_table, say


def crossval(
    recipes: list[str] = typer.Argument(help="Names of 'dressform recipes', or file.py:function."),
    folds: int = typer.Option(5, "--folds", help="Parts of the training examples, 2 to 100."),
    repeats: int = typer.Option(1, "--repeats", help="How many times, each with other folds."),
    seed: int = typer.Option(0, "--seed", help="Of the folds and of the trainings."),
    workers: int | None = typer.Option(
        None, "--workers", help="Processes that share the cores. Default: one a core."
    ),
    data: str = typer.Option(
        "fashion-mnist",
        "--data",
        help="A dataset's name, or a path: IDX, CSV, class folders or NPZ.",
    ),
    settings: list[str] = typer.Option(
        [], "--set", help="Change a setting of every recipe, such as optim.lr=0.05."
    ),
    out: Path = typer.Option(Path("runs"), "--out", help="Folder of all runs."),
    resume: bool = typer.Option(
        False, "--resume", help="Go on after an interruption, or add repeats."
    ),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    image_size: int | None = typer.Option(
        None,
        "--image-size",
        help="Side in pixels for folders of mixed sizes. Default: the recipe's, else 64.",
    ),
    as_json: bool = Json,
) -> None:
    """Cross-validate recipes on the same folds.

    Prints the accuracy of each fold, mean, standard deviation and a 95 % interval. The test images
    are not touched.
    """
    from dressform.cli.fold_table import FoldTable
    from dressform.data.source import load_data
    from dressform.recipes import image_size_for
    from dressform.workbench import crossval as cross_validate

    splits = load_data(
        data, image_size=image_size_for(*recipes) if image_size is None else image_size
    )
    for note in splits.notes:
        say(f"note: {note}")
    table = FoldTable()
    try:
        found = cross_validate(
            recipes,
            splits,
            folds=folds,
            repeats=repeats,
            seed=seed,
            settings=settings,
            workers=workers,
            out=out,
            resume=resume,
            device=device,
            observer=table,
        )
    finally:
        table.close()
    if as_json:
        documents = [
            {
                **asdict(run.summary),
                "out_of_fold": str(run.layout.out_of_fold),
                "path": str(run.path),
            }
            for run in found
        ]
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    header = ("repeat", "fold", *(run.name for run in found))
    rows = []
    for i, row in enumerate(found[0].summary.folds):
        scores = (f"{100 * run.accuracies[i]:.2f} %" for run in found)
        rows.append((str(row.repeat), str(row.fold), *scores))
    print_table(header, rows)
    print()
    for run in found:
        print(f"{run.name}: {describe_folds(run.summary)}\n  {run.path}")
    if len(found) > 1:
        print(
            f"\nIs the difference real? dressform compare "
            f"{' '.join(str(run.path) for run in found)}"
        )
