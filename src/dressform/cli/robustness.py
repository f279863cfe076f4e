"""``dressform robustness``: no torch."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import percent, print_json, print_table, say


def robustness(
    run: Path = typer.Argument(help="A run."),
    names: list[str] = typer.Option(
        [], "--corruption", help="One of the corruptions, several times for several. Default: all."
    ),
    split: str | None = typer.Option(
        None, "--split", help="test or validation. Default: test, where there is one."
    ),
    seed: int = typer.Option(0, "--seed", help="Of noise, and of what has a direction."),
    data: str | None = typer.Option(
        None, "--data", help="The run's pictures, where they have moved."
    ),
    as_json: bool = Json,
) -> None:
    """Corrupt a run's pictures, as Fashion-MNIST-C does, and tell its accuracy at each strength."""
    from dressform.core.errors import ConfigError
    from dressform.data.source import load_data
    from dressform.explore.points import data_of
    from dressform.predict.prediction_sets import split_of
    from dressform.predict.predictor import Predictor
    from dressform.predict.robustness import robustness as measure
    from dressform.predictions.examples import examples_of
    from dressform.runs.ledger import note_look
    from dressform.runs.run import open_run

    if seed < 0:
        raise ConfigError(f"--seed is {seed}; allowed: 0 or more")
    found = open_run(run)
    which = split_of(found, split)
    pictures_from = (
        data_of(found)
        if data is None
        else load_data(data, image_size=found.manifest.dataset.image_size)
    )
    pictures = examples_of(found.predictions(which), pictures_from, which)
    if which == "test":
        problem = note_look(found.path, what="robustness", examples=len(pictures))
        if problem:
            say(f"note: {problem}")

    def progress(done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            say(f"{done} of {total}")

    document = measure(Predictor(found), pictures, names, seed=seed, progress=progress)
    if as_json:
        print_json({"run": str(found.path), "split": which, **document})
        return
    clean = document["clean"]
    print(
        f"{len(pictures):,} pictures as they are: {percent(clean['value'])} ({clean['method']}:"
        f" {100 * clean['low']:.2f} to {100 * clean['high']:.2f})"
    )
    rows = []
    for name, strengths in document["corruptions"].items():
        values = [estimate["value"] for estimate in strengths.values()]
        rows.append(
            (
                name,
                *(percent(v) for v in values),
                *[""] * (5 - len(values)),
                percent(sum(values) / len(values)),
            )
        )
    print_table(("corruption", "1", "2", "3", "4", "5", "mean"), rows)
    print(f"mean over corruptions {percent(document['mean'])}")
