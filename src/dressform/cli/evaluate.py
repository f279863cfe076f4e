"""``dressform evaluate``."""

from pathlib import Path

import typer

from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.onnx_options import Classes, Mean, Scale, Std
from dressform.cli.output import print_json
from dressform.cli.reading import READING, reading_options
from dressform.cli.table import terminal_width
from dressform.data.read_options import ReadArguments


@reading_options
def evaluate(
    what: Path = typer.Argument(
        help="A run or a cross-validation, a predictions file (.npz, .csv, .tsv, .jsonl, "
        ".parquet), or an .onnx model of any framework.",
        autocompletion=complete_runs,
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="Of a run: test or validation; default test, where there is one. Of --data: train, "
        "validation or test; default all.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="New labelled images for a run, or the images for an .onnx model: a dataset's name, "
        "or a path. All of them are evaluated.",
        autocompletion=complete_data,
    ),
    scale: str | None = Scale,
    mean: str | None = Mean,
    std: str | None = Std,
    classes: str | None = Classes,
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Evaluate a run, a predictions file, or an ONNX model.

    With --data, a run or a model is evaluated on labelled images that it has not seen, whose
    classes are joined by name. Prints accuracy with its interval, scores per class and, with
    --json, the confusion matrix; of a cross-validation the means over its folds first.
    """
    from dressform.workbench.evaluation import evaluate as evaluate_any

    evaluation = evaluate_any(
        what,
        split=split,
        data=data,
        scale=scale,
        mean=mean,
        std=std,
        classes=classes,
        **reading,
    )
    if as_json:
        print_json(evaluation.to_json())
    else:
        print(evaluation.report(terminal_width()), end="")
