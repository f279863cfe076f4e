"""``dressform compare``: no torch."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from dressform.evaluation.compare import Contestant


def compare(
    what: list[Path] = typer.Argument(
        help="Folders of runs or of cross-validations, predictions files (.npz, .csv, .parquet), or .onnx models."
    ),
    metric: str = typer.Option(
        "accuracy", "--metric", help="accuracy, balanced_accuracy, macro_f1, top2, top3, nll, brier or ece."
    ),
    rope: float = typer.Option(0.005, "--rope", help="Differences up to this count as practically equal; 0.005 is half a point."),
    split: str | None = typer.Option(None, "--split", help="val or test; of runs and models. Default: test."),
    data: str = typer.Option("fashion-mnist", "--data", help="The pictures for .onnx models: a dataset's name, or a path."),
    pixels: str = typer.Option("unit", "--pixels", help="What .onnx models of floats take: unit, 0 to 1, or raw, 0 to 255."),
    figure: Path | None = typer.Option(None, "--figure", help="Draw box plots of the cross-validations into this PNG file."),
    as_json: bool = Json,
) -> None:
    """Tell whether one model is really better.

    Compares every pair: the difference with its 95 % interval, a test that fits the kind of predictions, the probability
    that they are practically equal, and a sentence that says it all.
    """
    from dressform.core.errors import ConfigError
    from dressform.evaluation.compare import compare as judge
    from dressform.runs.crossval import is_crossval, open_crossval

    if figure is not None and not all(is_crossval(path) for path in what):
        raise ConfigError("--figure draws box plots of cross-validations only; leave it out, or name cross-validations")
    contestants = [_contestant(path, split, data, pixels) for path in what]
    names = [contestant.name for contestant in contestants]
    if len(set(names)) < len(names):  # the same recipe twice, in two folders: the folder tells them apart
        from dataclasses import replace

        contestants = [replace(c, name=f"{c.name} ({path})") for c, path in zip(contestants, what, strict=True)]
    comparisons = judge(contestants, metric=metric, rope=rope)
    if figure is not None:
        from dressform.report.figures.canvas import save
        from dressform.report.figures.crossval import draw_boxes

        save(draw_boxes([open_crossval(path) for path in what]), figure)
    if as_json:
        print_json([comparison.to_json() for comparison in comparisons])
        return
    rows = []
    for c in comparisons:
        between = f"{c.difference.low:+.4f} to {c.difference.high:+.4f}"
        shares = (f"{p:.2f}" for p in (c.posterior.better, c.posterior.equal, c.posterior.worse))
        rows.append((c.b, c.a, f"{c.difference.value:+.4f}", between, f"{c.p_holm:.4f}", *shares, c.verdict))
    print_table(
        ("b", "a", f"{comparisons[0].metric} b - a", "95 % interval", "p (Holm)", "better", "equal", "worse", "verdict"), rows
    )
    print()
    for comparison in comparisons:
        print(comparison.sentence())
    print(f"\nInterval: {comparisons[0].difference.method}. Test: {comparisons[0].test}.")
    if not comparisons[0].crossval:
        print("This is about these trained models, not about their recipes: for those, compare cross-validations.")


def _contestant(path: Path, split: str | None, data: str, pixels: str) -> "Contestant":
    from dressform.evaluation.compare import Contestant
    from dressform.predict.judged import kind_of, load_judged, split_of
    from dressform.runs.crossval import is_crossval, open_crossval
    from dressform.runs.ledger import note_look
    from dressform.runs.run import open_run

    if is_crossval(path):
        found = open_crossval(path)
        predictions, folds = found.out_of_fold()
        return Contestant(found.name, predictions, folds)
    name, loaded = load_judged(path, split, data, pixels, say=say)
    if kind_of(path) == "run" and split_of(run := open_run(path), split) == "test":
        problem = note_look(run.path, what="compare", examples=len(loaded))
        if problem:
            say(f"note: {problem}")
    return Contestant(name, (loaded,))
