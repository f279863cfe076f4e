"""``dressform report``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json
from dressform.cli.reading import READING, reading_options
from dressform.data.read_options import ReadArguments


@reading_options
def report(
    what: list[Path] = typer.Argument(
        help="Folders of runs or of cross-validations, predictions files (.npz, .csv, .tsv, "
        ".jsonl, .parquet), or .onnx models."
    ),
    out: Path | None = typer.Option(
        None, "--out", help="The HTML file. Default: report.html in the folder of the first."
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="Of runs: test or validation; default test. Of new images: train, validation or "
        "test; default all.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="A dataset's name, or a path: new labelled images for runs and .onnx models, or a "
        "run's own if they have moved, or those of predictions files.",
    ),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="file.py:function that made the run's network, if a file of yours did; it is "
        "executed, for saliency.",
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
    """Write one page that shows where a model is right and wrong, and why.

    A single HTML file with everything inside: it opens without a network and can be sent to
    anybody.
    """
    from dressform.workbench.pages import report as write

    path = write(
        *what,
        out=out,
        split=split,
        data=data,
        recipe=recipe,
        scale=scale,
        mean=mean,
        std=std,
        classes=classes,
        **reading,
    )
    size = path.stat().st_size
    if as_json:
        print_json({"report": str(path), "bytes": size})
    else:
        print(f"{path} ({size / 1e6:.1f} MB)")
