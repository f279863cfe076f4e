"""``dressform crossval``."""

import shlex
from dataclasses import asdict
from pathlib import Path

import typer

from dressform.cli.complete import complete_data, complete_recipes
from dressform.cli.lists import Json
from dressform.cli.output import describe_folds, print_json
from dressform.cli.reading import DATA_HELP, READING, reading_options
from dressform.cli.table import print_table
from dressform.core.numbers import percent
from dressform.data.read_options import ReadArguments
from dressform.runs.layout import DEFAULT_ROOT


@reading_options
def crossval(
    recipes: list[str] = typer.Argument(
        help="Names of 'dressform recipes', or file.py:function.", autocompletion=complete_recipes
    ),
    folds: int = typer.Option(5, "--folds", help="Number of folds, 2 to 100."),
    repeats: int = typer.Option(
        1, "--repeats", help="Number of repeats, each with different folds."
    ),
    seed: int = typer.Option(0, "--seed", help="Random seed for folds and training."),
    workers: int | None = typer.Option(
        None, "--workers", help="Processes that share the cores. Default: one per core."
    ),
    data: str = typer.Option(
        "fashion-mnist", "--data", help=DATA_HELP, autocompletion=complete_data
    ),
    settings: list[str] = typer.Option(
        [], "--set", help="Change a setting of every recipe, such as optim.lr=0.05."
    ),
    out: Path = typer.Option(DEFAULT_ROOT, "--out", help="Folder of all runs."),
    resume: bool = typer.Option(
        False, "--resume", help="Continue after an interruption, or add repeats."
    ),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Cross-validate recipes on the same folds.

    Prints the accuracy of each fold, the mean, the standard deviation and a 95 % interval. The test
    split is not used.
    """
    from dressform.cli.fold_table import FoldTable
    from dressform.cli.process import prepare_training
    from dressform.workbench.training import crossval as cross_validate

    prepare_training(recipes, seed)
    with FoldTable() as table:
        studies = cross_validate(
            recipes,
            data,
            folds=folds,
            repeats=repeats,
            seed=seed,
            settings=settings,
            workers=workers,
            out=out,
            resume=resume,
            device=device,
            **reading,
            callback=table,
            progress=False,
        )
    if as_json:
        documents = [
            {**asdict(s.summary), "out_of_fold": str(s.layout.out_of_fold), "path": str(s.path)}
            for s in studies
        ]
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    rows = []
    for i, row in enumerate(studies[0].summary.folds):
        scores = (percent(study.accuracies[i]) for study in studies)
        rows.append((str(row.repeat + 1), str(row.fold + 1), *scores))
    names = [study.name for study in studies]
    print_table(("repeat", "fold", *names), rows, shorten=range(2, 2 + len(names)))
    print()
    for study in studies:
        print(f"{study.name}: {describe_folds(study.summary)}\n  {study.path}")
    if len(studies) > 1:
        paths = shlex.join(str(study.path) for study in studies)
        print(f"\nIs the difference real?\n  dressform compare {paths}")
