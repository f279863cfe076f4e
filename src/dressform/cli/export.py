"""``dressform export``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json


def export(
    run: Path = typer.Argument(help="The folder of a finished run."),
    target: Path = typer.Argument(
        help="Where to write: a folder, which is made if it does not exist; for a page an HTML "
        "file."
    ),
    to: str = typer.Option(
        "tensorboard",
        "--to",
        help="tensorboard: features, labels and images for its projector. page: classifies "
        "photos in a browser.",
    ),
    split: str = typer.Option(
        "test", "--split", help="tensorboard: which images, test, validation, train, or all."
    ),
    embedding: str = typer.Option(
        "features", "--embedding", help="tensorboard: features of the penultimate layer, or pixels."
    ),
    data: str | None = typer.Option(
        None, "--data", help="tensorboard: the images, where they have moved."
    ),
    threshold: float | None = typer.Option(
        None,
        "--threshold",
        min=0,
        max=1,
        help="page: fraction of in-distribution images on which it abstains. Default: 0.02.",
    ),
    as_json: bool = Json,
) -> None:
    """Export a run: its features for TensorBoard, or its model as an HTML page that classifies
    photos.
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
    )
    written = [str(path) for path in paths]
    if as_json:
        print_json(written)
        return
    advice = {
        "page": "open it in a browser; nothing else is needed",
        "tensorboard": f"look at them with: tensorboard --logdir {target}",
    }[to]
    print("\n".join([*written, advice]))
