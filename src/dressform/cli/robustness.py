"""``dressform robustness``: no torch."""

from pathlib import Path

import typer

from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.output import print_json
from dressform.cli.table import print_table
from dressform.core.numbers import percent, percent_range


def robustness(
    run: Path = typer.Argument(help="A run.", autocompletion=complete_runs),
    names: list[str] = typer.Option(
        [], "--corruption", help="A corruption, such as gaussian-noise; repeatable. Default: all."
    ),
    split: str | None = typer.Option(
        None, "--split", help="test or validation. Default: test, where there is one."
    ),
    seed: int = typer.Option(0, "--seed", help="Random seed for the corruptions."),
    data: str | None = typer.Option(
        None,
        "--data",
        help="The run's images, where they have moved.",
        autocompletion=complete_data,
    ),
    as_json: bool = Json,
) -> None:
    """Measure a run's accuracy on corrupted images.

    The corruptions are those of Fashion-MNIST-C, most at five severities.
    """
    from dressform.workbench.robustness import robustness as measure

    result = measure(run, corruptions=names, split=split, seed=seed, data=data)
    if as_json:
        print_json({"run": str(run), **result.to_json()})
        return
    clean = result.clean
    print(
        f"{result.examples:,} clean images: {percent(clean.value)} "
        f"({percent_range(clean.low, clean.high)}, {clean.method})"
    )
    rows = []
    for name, severities in result.corruptions.items():
        values = [estimate.value for estimate in severities.values()]
        missing = [""] * (5 - len(values))
        mean = percent(sum(values) / len(values))
        rows.append((name, *(percent(value) for value in values), *missing, mean))
    print_table(("corruption", "1", "2", "3", "4", "5", "mean"), rows)
    print(f"mean over corruptions {percent(result.mean)}")
