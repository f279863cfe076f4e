"""``dressform evaluate``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json
from dressform.cli.reading import READING, reading_options
from dressform.data.read_options import ReadArguments


@reading_options
def evaluate(
    what: Path = typer.Argument(
        help="A run or a cross-validation, a predictions file (.npz, .csv, .tsv, .jsonl, "
        ".parquet), or an .onnx model of any framework."
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
    ),
    scale: str | None = typer.Option(
        None,
        "--scale",
        help="What an .onnx model of floats takes: unit, 0 to 1 (default), raw, 0 to 255, or "
        "symmetric, -1 to 1.",
    ),
    mean: str | None = typer.Option(
        None,
        "--mean",
        help="Subtracted from these pixels: a number, or one per channel, such as "
        "0.485,0.456,0.406.",
    ),
    std: str | None = typer.Option(
        None, "--std", help="Divides them after that: a number, or one per channel."
    ),
    classes: str | None = typer.Option(
        None,
        "--classes",
        help="Classes of an .onnx model in the order of its outputs, such as dress,pants,shoes. "
        "Default: those in a model.json or class_names.txt beside it, or in its metadata; else "
        "the order of the data's classes.",
    ),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Evaluate a run, a predictions file, or an ONNX model.

    With --data, a run or a model is evaluated on labelled images that it has not seen, whose
    classes are joined by name. Prints accuracy with its interval, scores per class and, with
    --json, the confusion matrix.
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
        print(evaluation.report(), end="")
