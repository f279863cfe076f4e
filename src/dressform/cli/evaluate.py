"""``dressform evaluate``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json


def evaluate(
    what: Path = typer.Argument(
        help="A run or a cross-validation, a predictions file (.npz, .csv, .csv.gz, .parquet), or "
        "an .onnx model of any framework."
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="test, validation, or (ONNX models only) train. Default: test, or validation if a run "
        "has no test split.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="The images for an .onnx model: a dataset's name, or a path. Default: fashion-mnist.",
    ),
    pixels: str | None = typer.Option(
        None,
        "--pixels",
        help="What an .onnx model of floats takes: unit, 0 to 1 (default), or raw, 0 to 255.",
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
    as_json: bool = Json,
) -> None:
    """Evaluate a run, a predictions file, or an ONNX model.

    Prints accuracy with its interval, scores per class and, with --json, the confusion matrix.
    """
    from dressform.workbench.evaluation import evaluate as evaluate_any

    evaluation = evaluate_any(what, split=split, data=data, pixels=pixels, image_size=image_size)
    if as_json:
        print_json(evaluation.to_json())
    else:
        print(evaluation.report(), end="")
