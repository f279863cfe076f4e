"""``dressform report``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json


def report(
    what: list[Path] = typer.Argument(
        help="Folders of runs or of cross-validations, predictions files (.npz, .csv, .parquet), "
        "or .onnx models."
    ),
    out: Path | None = typer.Option(
        None, "--out", help="The HTML file. Default: report.html in the folder of the first."
    ),
    split: str | None = typer.Option(
        None, "--split", help="test or validation; of runs and models. Default: test."
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="Images for predictions files, or if a run's data have moved: a dataset's name, or a "
        "path.",
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="file.py:function that made the run's network, if a file of yours did; it is "
        "executed, for saliency.",
    ),
    as_json: bool = Json,
) -> None:
    """Write one page that shows where a model is right and wrong, and why.

    A single HTML file with everything inside: it opens without a network and can be sent to
    anybody.
    """
    from dressform.workbench.pages import report as write

    path = write(*what, out=out, split=split, data=data, image_size=image_size, recipe=recipe)
    size = path.stat().st_size
    if as_json:
        print_json({"report": str(path), "bytes": size})
    else:
        print(f"{path} ({size / 1e6:.1f} MB)")
