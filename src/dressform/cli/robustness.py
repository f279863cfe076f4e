"""``dressform robustness``: no torch."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import percent, print_json, print_table


def robustness(
    run: Path = typer.Argument(help="A run."),
    names: list[str] = typer.Option(
        [], "--corruption", help="A corruption, such as gaussian-noise; repeatable. Default: all."
    ),
    split: str | None = typer.Option(
        None, "--split", help="test or validation. Default: test, where there is one."
    ),
    seed: int = typer.Option(0, "--seed", help="Random seed for the corruptions."),
    data: str | None = typer.Option(
        None, "--data", help="The run's images, where they have moved."
    ),
    as_json: bool = Json,
) -> None:
    """Measure a run's accuracy on corrupted images, as in Fashion-MNIST-C, at each severity."""
    from dressform.workbench.evaluation import robustness as measure

    result = measure(run, corruptions=names, split=split, seed=seed, data=data)
    if as_json:
        print_json({"run": str(run), **result.to_json()})
        return
    clean = result.clean
    print(
        f"{result.examples:,} clean images: {percent(clean.value)} ({clean.method}:"
        f" {100 * clean.low:.2f} to {100 * clean.high:.2f})"
    )
    rows = []
    for name, severities in result.corruptions.items():
        values = [estimate.value for estimate in severities.values()]
        missing = [""] * (5 - len(values))
        mean = percent(sum(values) / len(values))
        rows.append((name, *(percent(value) for value in values), *missing, mean))
    print_table(("corruption", "1", "2", "3", "4", "5", "mean"), rows)
    print(f"mean over corruptions {percent(result.mean)}")
