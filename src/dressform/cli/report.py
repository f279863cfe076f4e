"""``dressform report``."""

from pathlib import Path

import typer

from dressform.cli.browser import open_in_browser
from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.onnx_options import Classes, Mean, Scale, Std
from dressform.cli.output import print_json
from dressform.cli.reading import READING, reading_options
from dressform.data.read_options import ReadArguments


@reading_options
def report(
    what: list[Path] = typer.Argument(
        help="Folders of runs or of cross-validations, predictions files (.npz, .csv, .tsv, "
        ".jsonl, .parquet), or .onnx models.",
        autocompletion=complete_runs,
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        help="The HTML file. Default: report.html in the folder of the first; report-NAME.html "
        "for other images of --data.",
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
        autocompletion=complete_data,
    ),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="file.py:function that made the run's network, if a file of yours did; it is "
        "executed, for saliency.",
    ),
    open_page: bool = typer.Option(False, "--open", help="Open the page in the browser."),
    scale: str | None = Scale,
    mean: str | None = Mean,
    std: str | None = Std,
    classes: str | None = Classes,
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Write a page that shows where a model is right and wrong.

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
    if open_page:
        open_in_browser(path)
