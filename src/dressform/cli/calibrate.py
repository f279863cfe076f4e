"""``dressform calibrate``: no torch."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from dressform.evaluation.calibrate import Calibration


def calibrate(
    what: Path = typer.Argument(
        help="The folder of a run or of a cross-validation, or a predictions file."
    ),
    alpha: float = typer.Option(
        0.1, "--alpha", help="Share of prediction sets that may miss the true class."
    ),
    figure: Path | None = typer.Option(
        None, "--figure", help="PNG file for the reliability diagram. Default: in a run's figures."
    ),
    as_json: bool = Json,
) -> None:
    """Tell whether probabilities can be trusted.

    Fits a temperature and conformal thresholds on some examples and judges them on others: of a run
    on validation and test, of a cross-validation fold by fold, of a file in five parts.
    """
    from dressform.evaluation.calibrate import calibrate as fit
    from dressform.evaluation.metrics import METRICS
    from dressform.predict.prediction_sets import kind_of, load_judged
    from dressform.report.figures.canvas import check_target
    from dressform.runs.crossval import is_crossval, open_crossval
    from dressform.runs.ledger import note_look
    from dressform.runs.run import open_run

    if figure is not None:
        check_target(figure)
    place: Path | None
    if is_crossval(what):
        crossval = open_crossval(what)
        predictions, folds = crossval.out_of_fold()
        name, place = crossval.name, crossval.layout.figures
        if crossval.repeats > 1:
            say(f"note: repeat 0 of {crossval.repeats} is judged")
        found = fit(predictions[0], parts=folds[0], alpha=alpha)
    elif kind_of(what) == "run" and all(
        open_run(what).layout.predictions(split).exists() for split in ("validation", "test")
    ):
        run = open_run(what)
        name, place = run.name, run.layout.figures
        found = fit(run.predictions("test"), fitted_on=run.predictions("validation"), alpha=alpha)
        problem = note_look(run.path, what="calibrate", examples=len(found.unscaled))
        if problem:
            say(f"note: {problem}")
    else:
        name, alone = load_judged(what, say=say)
        place = open_run(what).layout.figures if kind_of(what) == "run" else None
        found = fit(alone, alpha=alpha)
    target = figure or (place / "reliability.png" if place is not None else None)
    if as_json:
        print_json(found.to_json())
        _draw(target, found, name)
        return
    print(f"{name}: {found.protocol}\n")
    rows = []
    for metric, before in found.before.items():
        after = found.after[metric]
        rows.append(
            (
                METRICS[metric].title,
                *(f"{e.value:.4f} ({e.low:.4f} to {e.high:.4f})" for e in (before, after)),
            )
        )
    print_table(("", "as it is", f"with {found.temperature}"), rows)
    print(f"\n{found.advice}")
    print(f"\nprediction sets that may miss {100 * alpha:g} % of the true classes:\n")
    rows = []
    for s in found.sets:
        between = f"{100 * s.coverage.low:.2f} to {100 * s.coverage.high:.2f}"
        worst = f"{100 * s.worst_coverage:.1f} % ({s.worst_class})"
        rows.append(
            (
                s.method.upper(),
                f"{100 * s.coverage.value:.2f} % ({between})",
                worst,
                f"{s.mean_size:.3f}",
                f"{100 * s.empty:.1f} %",
            )
        )
    print_table(("method", "covered, 95 % interval", "worst class", "classes a set", "empty"), rows)
    if _draw(target, found, name):
        print(f"\n{target}")


def _draw(target: Path | None, found: "Calibration", name: str) -> bool:
    """Draw the diagram after the results: a folder that cannot be written to takes none of them
    away.
    """
    from dressform.report.figures.calibration import draw_reliability
    from dressform.report.figures.canvas import save

    if target is None:
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save(draw_reliability(found, name), target)
    except OSError as error:
        say(f"note: {target} cannot be written ({error.strerror or error}); give another --figure")
        return False
    return True
