"""``dressform export``."""

import shlex
from pathlib import Path

import typer

from dressform.cli.complete import complete_data, complete_models
from dressform.cli.lists import Json
from dressform.cli.output import print_json


def export(
    run: Path = typer.Argument(
        help="The folder of a finished run; for a page and onnx also of a model, or shipped for "
        "the one that comes with dressform.",
        autocompletion=complete_models,
    ),
    target: Path | None = typer.Argument(
        None,
        help="Where to write: a folder, which is made if it does not exist; for a page an HTML "
        "file, for keras a .keras file. Default: tensorboard, onnx, classify.html or model.keras "
        "in the run's folder.",
    ),
    to: str = typer.Option(
        "tensorboard",
        "--to",
        help="tensorboard: features, labels and images for its projector. page: classifies "
        "photos in a browser. onnx: the model with its model card. keras: a .keras file, which "
        "Keras 3 opens.",
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="tensorboard: which images, test (default, if there is one), validation, train, or "
        "all.",
    ),
    embedding: str | None = typer.Option(
        None,
        "--embedding",
        help="tensorboard: features (default) of the penultimate layer, or pixels.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="tensorboard: the images, where they have moved.",
        autocompletion=complete_data,
    ),
    threshold: float | None = typer.Option(
        None,
        "--threshold",
        min=0,
        max=1,
        help="page: fraction of in-distribution images on which it abstains. Default: 0.02.",
    ),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="keras: file.py:function that made the run's network, if a file of yours did; it is "
        "executed.",
    ),
    as_json: bool = Json,
) -> None:
    """Export a run as ONNX, for Keras, as an HTML page, or for TensorBoard.

    For TensorBoard these are its features, labels and images; the HTML page classifies photos; the
    ONNX model comes with its model card; Keras opens the .keras file, whose input is the images'
    bytes.
    """
    from dressform.workbench.pages import export as write

    paths = write(
        run,
        target,
        to=to,
        split=split,
        embedding=embedding,
        data=data,
        threshold=threshold,
        recipe=recipe,
    )
    written = [str(path) for path in paths]
    if as_json:
        print_json(written)
        return
    folder = str(paths[0].parent)
    commands = {
        "tensorboard": ["tensorboard", "--logdir", folder],
        "onnx": ["dressform", "predict", "photos/", "--model", folder],
    }
    print("\n".join(written))
    if to == "page":
        print("open it in a browser; nothing else is needed")
    elif to == "keras":
        print(f"open it with, for instance:\n  keras.models.load_model({written[0]!r})")
    else:
        print(f"use it with, for instance:\n  {shlex.join(commands[to])}")
