"""``dressform export``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say


def export(
    run: Path = typer.Argument(help="The folder of a finished run."),
    folder: Path = typer.Argument(help="Where to write; it is made if it does not exist."),
    to: str = typer.Option("tensorboard", "--to", help="tensorboard: features, labels and pictures for its projector."),
    split: str = typer.Option("test", "--split", help="Which pictures: test, validation, train, or all."),
    embedding: str = typer.Option("features", "--embedding", help="features of the network's penultimate layer, or pixels."),
    data: str | None = typer.Option(None, "--data", help="The pictures, where they are elsewhere now: a name, or a path."),
    image_size: int | None = typer.Option(None, "--image-size", help="Side in pixels for folders of mixed sizes."),
    as_json: bool = Json,
) -> None:
    """Write a run's features for another program."""
    from dressform.core.errors import unknown_name
    from dressform.data.source import load_data
    from dressform.explore.points import data_of, points_of
    from dressform.explore.tensorboard import write_tensorboard
    from dressform.runs.run import open_run

    if to != "tensorboard":
        raise unknown_name("form of export", to, ["tensorboard"])
    opened = open_run(run)
    splits = data_of(opened) if data is None else load_data(data, image_size=image_size)
    written = [str(path) for path in write_tensorboard(points_of(opened, splits, split, embedding, say=say), folder)]
    if as_json:
        print_json(written)
    else:
        print("\n".join(written))
        print(f"look at them with: tensorboard --logdir {folder}")
