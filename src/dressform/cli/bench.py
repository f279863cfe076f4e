"""``dressform bench``."""

from pathlib import Path
from typing import Any

import typer

from dressform.cli.lists import Json
from dressform.cli.output import percent, print_json, print_table, say

bench_app = typer.Typer(help="Measure recipes.", no_args_is_help=True, rich_markup_mode=None)


@bench_app.callback()
def bench() -> None:
    """Measure recipes."""


@bench_app.command("tutorials")
def tutorials(
    recipes: list[str] = typer.Argument(None, help="Default: all of 'dressform recipes'."),
    seeds: int = typer.Option(3, "--seeds", help="How many trainings of each, with seeds 0, 1, …"),
    workers: int | None = typer.Option(
        None, "--workers", help="Processes that share the cores. Default: one a core."
    ),
    out: Path = typer.Option(Path("runs"), "--out", help="Folder of all runs."),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    only_finished: bool = typer.Option(
        False, "--only-finished", help="Train nothing; show what is finished."
    ),
    as_json: bool = Json,
) -> None:
    """Train every tutorial's recipe with several seeds.

    Prints mean and standard deviation of the test accuracy beside what the tutorial claimed. Can be
    stopped and started again: finished trainings are kept.
    """
    from dressform.experiment.bench import bench_tutorials

    document = bench_tutorials(
        recipes or [],
        seeds=seeds,
        out=out,
        workers=workers,
        device=device,
        train=not only_finished,
        observer=_Lines(),
    )
    if not document["recipes"]:
        say(
            f"note: no finished training under {out}; leave --only-finished out to train, or see "
            f"'dressform recipes'"
        )
    if as_json:
        print_json(document)
        return
    rows = []
    for name, row in document["recipes"].items():
        spread = "-" if row["sd"] is None else f"{100 * row['sd']:.2f}"
        where = (
            ""
            if row["claimed"] is None or row["claimed_on"] == "test"
            else f" ({row['claimed_on']})"
        )
        seconds = sorted(row["train_seconds"])[len(row["train_seconds"]) // 2]
        claimed = f"{percent(row['claimed'])}{where}"
        cells = percent(row["mean"]), spread, str(row["n"]), row["claim"] or "-", f"{seconds:.0f} s"
        rows.append((name, claimed, *cells))
    print_table(
        ("recipe", "claimed", "test accuracy", "s.d.", "n", "claim", "median training"), rows
    )
    for row in list(document["recipes"].values())[:1]:
        print(
            f"\n{row['hardware']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''} a "
            f"training, {row['precision']}"
        )


@bench_app.command("speed")
def speed(
    recipes: list[str] = typer.Argument(None, help="Default: fast."),
    seeds: int = typer.Option(10, "--seeds", help="How many trainings of each, with seeds 0, 1, …"),
    settings: list[str] = typer.Option(
        [], "--set", help="Change a setting of every recipe, such as epochs=5."
    ),
    keras: str | None = typer.Option(
        None,
        "--keras",
        help="Python of an environment with Keras on TensorFlow, for the other side.",
    ),
    keras_seeds: int = typer.Option(1, "--keras-seeds", help="How many trainings there."),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    as_json: bool = Json,
) -> None:
    """Time recipes to their test accuracy, beside tutorial 0's network in Keras.

    Each training runs alone, in a fresh process with all cores: let nothing else run meanwhile.
    """
    from dressform.experiment.speed import bench_speed

    document = bench_speed(
        recipes or ["fast"],
        seeds=seeds,
        settings=settings,
        keras=keras,
        keras_seeds=keras_seeds,
        device=device,
        observer=_Lines(),
    )
    if as_json:
        print_json(document)
        return
    rows = []
    for name, row in document["recipes"].items():
        accuracy = row["accuracy"]
        spread = f" ± {100 * accuracy['sd']:.2f}" if row["n"] > 1 else ""
        time = f"{row['mean_seconds']:.1f} s" + (
            "" if row["sd_seconds"] is None else f" ± {row['sd_seconds']:.1f}"
        )
        rows.append((name, percent(accuracy["value"]) + spread, time, str(row["n"])))
    for i, epochs in enumerate(document["keras"]):
        total = f"{sum(e['seconds'] for e in epochs):.1f} s"
        rows.append(
            (f"Keras, tutorial 0, seed {i}", percent(epochs[-1]["test_accuracy"]), total, "1")
        )
    print_table(("training", "test accuracy, mean ± s.d.", "seconds, mean ± s.d.", "n"), rows)
    print()
    lines = []
    for level, found in document["levels"].items():
        theirs = (
            ", ".join("never" if t is None else f"{t:.0f} s" for t in found["keras_seconds"]) or "-"
        )
        ours = "-" if found["seconds"] is None else f"{found['seconds']:.1f} s ({found['recipe']})"
        lines.append((percent(float(level)), ours, theirs))
    print_table(("to a mean of", "ours", "Keras shows it first after"), lines)
    if document["ratio"] is not None:
        print(
            f"\nthe tutorial's 25 epochs in Keras take {document['ratio']:.1f} times as long as "
            f"ours to 94 %"
        )
    row = next(iter(document["recipes"].values()))
    print(f"\n{row['hardware']}, {row['threads']} threads, {row['precision']}, {row['device']}")


class _Lines:
    """A line for each training that ends."""

    def event(self, index: int, event: dict[str, Any]) -> None:
        """Print it."""
        if event["event"] == "finished":
            r = event["result"]
            say(
                f"{r['recipe']}, seed {r['seed']}: test {percent(r['test_accuracy'])}, "
                f"{r['epochs']} epochs, {r['seconds']:.0f} s"
            )

    def trained(self, recipe: str, seed: int, accuracy: float, seconds: float) -> None:
        """Print it."""
        say(f"{recipe}, seed {seed}: test {percent(accuracy)}, {seconds:.1f} s")

    def keras_epoch(self, epoch: int, accuracy: float, seconds: float) -> None:
        """Print it."""
        say(f"Keras, epoch {epoch}: test {percent(accuracy)}, {seconds:.1f} s")
