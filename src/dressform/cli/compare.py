"""``dressform compare``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.onnx_options import Classes, Mean, Scale, Std
from dressform.cli.output import print_json
from dressform.cli.reading import READING, reading_options
from dressform.cli.table import print_table, terminal_width
from dressform.core.text import columns, one_line
from dressform.data.read_options import ReadArguments

if TYPE_CHECKING:
    from dressform.evaluation.comparison import Comparison

OTHER_COLUMNS = 52
"""Columns of the terminal that a pair's figures take, beside the two names."""


@reading_options
def compare(
    what: list[Path] = typer.Argument(
        help="Folders of runs or of cross-validations, predictions files (.npz, .csv, .tsv, "
        ".jsonl, .parquet), or .onnx models.",
        autocompletion=complete_runs,
    ),
    metric: str = typer.Option(
        "accuracy",
        "--metric",
        help="accuracy, balanced_accuracy, macro_f1, top2, top3, nll, brier or ece.",
    ),
    rope: float = typer.Option(
        0.005,
        "--rope",
        help="Differences up to this count as practically equal, in the metric's units; 0.005 is "
        "half a point.",
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="Of runs: test or validation; default test. Of --data: train, validation or test; "
        "default all.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="New labelled images for runs, or the images for .onnx models: a dataset's name, or "
        "a path.",
        autocompletion=complete_data,
    ),
    scale: str | None = Scale,
    mean: str | None = Mean,
    std: str | None = Std,
    classes: str | None = Classes,
    figure: Path | None = typer.Option(
        None,
        "--figure",
        help="Draw box plots of cross-validations, or the differences with their intervals, into "
        "this PNG file.",
    ),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Test whether one model is really better.

    Compares every pair: the difference with its 95 % interval, a suitable significance test, the
    probability that they are practically equal, and a verdict in one sentence.
    """
    from dressform.workbench.evaluation import compare as compare_all

    comparisons = compare_all(
        *what,
        metric=metric,
        rope=rope,
        split=split,
        data=data,
        figure=figure,
        scale=scale,
        mean=mean,
        std=std,
        classes=classes,
        **reading,
    )
    if as_json:
        print_json([comparison.to_json() for comparison in comparisons])
        return
    _print_pairs(comparisons)
    print()
    for comparison in comparisons:
        print(comparison.sentence())
    print(f"\nInterval: {comparisons[0].difference.method}. Test: {comparisons[0].test}.")
    print(comparisons[0].scope)


def _print_pairs(comparisons: "Sequence[Comparison]") -> None:
    from dressform.evaluation.comparison import format_p_value, format_probability
    from dressform.evaluation.metrics import METRICS

    names = dict.fromkeys(name for c in comparisons for name in (c.b, c.a))
    shown = {name: name for name in names}
    width = terminal_width()
    if width is not None and 2 * max(map(columns, names)) > width - OTHER_COLUMNS:
        shown = {name: f"#{number}" for number, name in enumerate(names, 1)}
        for name, number in shown.items():
            print(f"{number}  {one_line(name)}")
        print()
    metric = METRICS[comparisons[0].metric]
    rows: list[tuple[str, ...]] = []
    for c in comparisons:
        value, low, high = (
            metric.difference(v) for v in (c.difference.value, c.difference.low, c.difference.high)
        )
        p = format_p_value(c.p_holm).removeprefix("= ")
        rows.append((shown[c.b], shown[c.a], value, f"{low} to {high}", p, c.verdict))
    p_title = "p" if len(comparisons) == 1 else "p (Holm)"
    header = ("b", "a", "b - a", "95 % interval", p_title, "verdict")
    print(f"{metric.name}{', in points' if metric.percent else ''}")
    print_table(header, rows, shorten=(0, 1))
    print("\nposterior probability that b is better, equal in practice, or worse")
    posteriors = [
        (
            shown[c.b],
            shown[c.a],
            *(
                format_probability(p).removeprefix("= ")
                for p in (c.posterior.better, c.posterior.equal, c.posterior.worse)
            ),
        )
        for c in comparisons
    ]
    print_table(("b", "a", "better", "equal", "worse"), posteriors, shorten=(0, 1))
