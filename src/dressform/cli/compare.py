"""``dressform compare``: no torch."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from dressform.evaluation.compare import PredictionSet


def compare(
    what: list[Path] = typer.Argument(
        help="Folders of runs or of cross-validations, predictions files (.npz, .csv, .parquet), "
        "or .onnx models."
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
        None, "--split", help="test or validation; of runs and models. Default: test."
    ),
    data: str = typer.Option(
        "fashion-mnist",
        "--data",
        help="The pictures for .onnx models: a dataset's name, or a path.",
    ),
    pixels: str = typer.Option(
        "unit", "--pixels", help="What .onnx models of floats take: unit, 0 to 1, or raw, 0 to 255."
    ),
    figure: Path | None = typer.Option(
        None, "--figure", help="Draw box plots of the cross-validations into this PNG file."
    ),
    as_json: bool = Json,
) -> None:
    """Tell whether one model is really better.

    Compares every pair: the difference with its 95 % interval, a test that fits the kind of
    predictions, the probability that they are practically equal, and a sentence that says it all.
    """
    from dressform.core.errors import ConfigError
    from dressform.evaluation.compare import compare as judge
    from dressform.evaluation.comparison import format_p_value
    from dressform.evaluation.metrics import METRICS
    from dressform.predict.prediction_sets import told_apart
    from dressform.runs.crossval import is_crossval

    if figure is not None and not all(is_crossval(path) for path in what):
        raise ConfigError(
            "--figure draws box plots of cross-validations only; leave it out, or name "
            "cross-validations"
        )
    if figure is not None:
        from dressform.report.figures.canvas import check_target, save
        from dressform.report.figures.crossval import draw_boxes

        check_target(figure)
    said: set[str] = set()

    def once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    prediction_sets = told_apart(
        [_contestant(path, split, data, pixels, once) for path in what], what
    )
    comparisons = judge(prediction_sets, metric=metric, rope=rope)
    chosen = METRICS[comparisons[0].metric]
    if figure is not None:
        save(
            draw_boxes(
                {c.name: c.fold_scores(chosen) for c in prediction_sets},
                comparisons[0].folds,
                chosen,
            ),
            figure,
        )
    if as_json:
        print_json([comparison.to_json() for comparison in comparisons])
        return
    rows: list[tuple[str, ...]] = []
    for c in comparisons:
        value, low, high = (
            f"{100 * v:+.2f}" if chosen.percent else f"{v:+.4f}"
            for v in (c.difference.value, c.difference.low, c.difference.high)
        )
        shares = (f"{p:.2f}" for p in (c.posterior.better, c.posterior.equal, c.posterior.worse))
        rows.append(
            (
                c.b,
                c.a,
                value,
                f"{low} to {high}",
                format_p_value(c.p_holm).removeprefix("= "),
                *shares,
                c.verdict,
            )
        )
    what_differs = f"{chosen.name} b - a{' in points' if chosen.percent else ''}"
    print_table(
        (
            "b",
            "a",
            what_differs,
            "95 % interval",
            "p (Holm)",
            "better",
            "equal",
            "worse",
            "verdict",
        ),
        rows,
    )
    print()
    for comparison in comparisons:
        print(comparison.sentence())
    print(f"\nInterval: {comparisons[0].difference.method}. Test: {comparisons[0].test}.")
    print(comparisons[0].scope)


def _contestant(
    path: Path, split: str | None, data: str, pixels: str, say: Callable[[str], object]
) -> "PredictionSet":
    from dressform.evaluation.compare import PredictionSet
    from dressform.predict.prediction_sets import kind_of, load_judged, prediction_set_of, split_of
    from dressform.runs.crossval import is_crossval, open_crossval
    from dressform.runs.ledger import note_look
    from dressform.runs.run import open_run

    if is_crossval(path):
        return prediction_set_of(open_crossval(path))
    name, loaded = load_judged(path, split, data, pixels, say=say)
    if kind_of(path) == "run" and split_of(run := open_run(path), split) == "test":
        problem = note_look(run.path, what="compare", examples=len(loaded))
        if problem:
            say(f"note: {problem}")
    return PredictionSet(name, (loaded,))
