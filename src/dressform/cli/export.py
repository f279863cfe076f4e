"""``dressform export``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say

FORMS = ("tensorboard", "page")


def export(
    run: Path = typer.Argument(help="The folder of a finished run."),
    target: Path = typer.Argument(
        help="Where to write: a folder, which is made if it does not exist; for a page an HTML "
        "file."
    ),
    to: str = typer.Option(
        "tensorboard",
        "--to",
        help="tensorboard: features, labels and pictures for its projector. page: classifies "
        "photos in a browser.",
    ),
    split: str = typer.Option(
        "test", "--split", help="tensorboard: which pictures, test, validation, train, or all."
    ),
    embedding: str = typer.Option(
        "features", "--embedding", help="tensorboard: features of the penultimate layer, or pixels."
    ),
    data: str | None = typer.Option(
        None, "--data", help="tensorboard: the pictures, where they are elsewhere now."
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="tensorboard: side in pixels for folders of mixed sizes."
    ),
    threshold: float | None = typer.Option(
        None,
        "--threshold",
        min=0,
        max=1,
        help="page: share of usual pictures that are answered with unsure. Default: 0.02.",
    ),
    as_json: bool = Json,
) -> None:
    """Write a run for another program: its features for TensorBoard, or its model as a page that
    classifies photos.
    """
    from dressform.core.errors import unknown_name

    if to not in FORMS:
        raise unknown_name("form of export", to, list(FORMS))
    if to == "page":
        written, advice = (
            _page(run, target, threshold),
            "open it in a browser; nothing else is needed",
        )
    else:
        written = _tensorboard(run, target, split, embedding, data, image_size)
        advice = f"look at them with: tensorboard --logdir {target}"
    if as_json:
        print_json(written)
        return
    print("\n".join([*written, advice]))


def _page(run: Path, file: Path, threshold: float | None) -> list[str]:
    from dressform.predict.predictor import OOD_THRESHOLD, Predictor
    from dressform.report.classifier import write_classifier

    write_classifier(
        file, Predictor(run, threshold=OOD_THRESHOLD if threshold is None else threshold)
    )
    return [str(file)]


def _tensorboard(
    run: Path, folder: Path, split: str, embedding: str, data: str | None, image_size: int | None
) -> list[str]:
    from dressform.data.source import load_data
    from dressform.explore.points import data_of, points_of
    from dressform.explore.tensorboard import write_tensorboard
    from dressform.runs.run import open_run

    opened = open_run(run)
    splits = data_of(opened) if data is None else load_data(data, image_size=image_size)
    return [
        str(path)
        for path in write_tensorboard(points_of(opened, splits, split, embedding, say=say), folder)
    ]
