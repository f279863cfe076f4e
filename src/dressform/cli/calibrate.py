"""``dressform calibrate``."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.onnx_options import Classes, Mean, Scale, Std
from dressform.cli.output import print_json
from dressform.cli.reading import READING, reading_options
from dressform.cli.table import print_table
from dressform.core.numbers import percent, percent_range
from dressform.core.text import one_line
from dressform.data.read_options import ReadArguments

if TYPE_CHECKING:
    from dressform.evaluation.calibrate import Calibration


@reading_options
def calibrate(
    what: Path = typer.Argument(
        help="The folder of a run or of a cross-validation, a predictions file, or an .onnx model.",
        autocompletion=complete_runs,
    ),
    alpha: float = typer.Option(
        0.1, "--alpha", help="Fraction of prediction sets that may miss the true class."
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="Of a run: test or validation, in five parts; default: fitted on validation, "
        "evaluated on test. Of --data: train, validation or test; default all.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="New labelled images for a run, or the images for an .onnx model: a dataset's name, "
        "or a path.",
        autocompletion=complete_data,
    ),
    scale: str | None = Scale,
    mean: str | None = Mean,
    std: str | None = Std,
    classes: str | None = Classes,
    figure: Path | None = typer.Option(
        None, "--figure", help="PNG file for the reliability diagram. Default: in a run's figures."
    ),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Test whether probabilities can be trusted.

    Fits a temperature and conformal thresholds on some examples and evaluates them on others: for a
    run, it fits on validation and evaluates on test; for a cross-validation, it fits on the other
    folds; for a file, a model or new images, on four of five parts.
    """
    from dressform.reporting.output import check_target
    from dressform.workbench import evaluation

    if figure is not None:
        check_target(figure)
    calibration = evaluation.calibrate(
        what,
        alpha=alpha,
        split=split,
        data=data,
        scale=scale,
        mean=mean,
        std=std,
        classes=classes,
        **reading,
    )
    if as_json:
        print_json(calibration.to_json())
        evaluation.draw_calibration(calibration, what, figure)
        return
    _print(calibration, alpha)
    # Drawn after the results: a folder that cannot be written to takes none of them away.
    drawn = evaluation.draw_calibration(calibration, what, figure)
    if drawn is not None:
        print(f"\n{drawn}")


def _print(calibration: "Calibration", alpha: float) -> None:
    from dressform.evaluation.metrics import METRICS

    print(f"{calibration.protocol}\n")
    rows = []
    for metric, before in calibration.before.items():
        estimates = (before, calibration.after[metric])
        shown = METRICS[metric]
        cells = (f"{shown.text(e.value)} ({shown.span(e.low, e.high)})" for e in estimates)
        rows.append((METRICS[metric].title, *cells))
    print_table(("", "uncalibrated", f"with {calibration.temperature}"), rows)
    print(f"\n{calibration.advice}")
    print(f"\nprediction sets that may miss {100 * alpha:g} % of the true classes:\n")
    rows = []
    for s in calibration.sets:
        interval = percent_range(s.coverage.low, s.coverage.high)
        rows.append(
            (
                s.method.upper(),
                f"{percent(s.coverage.value)} ({interval})",
                f"{percent(s.worst_coverage)} ({s.worst_class})",
                f"{s.mean_size:.2f}",
                percent(s.empty),
            )
        )
    header = ("method", "coverage, 95 % interval", "worst class", "classes per set", "empty")
    print_table(header, rows, shorten=(2,))
    wanted, notes = f"{100 * (1 - alpha):g} %", []
    for s in calibration.sets:
        name = s.method.upper()
        if s.coverage.high < 1 - alpha:
            notes.append(f"{name} sets contain the true class less often than in {wanted}.")
        if s.classes_below:
            classes = one_line(", ".join(s.classes_below))
            notes.append(
                f"{name} sets contain these classes less often than in {wanted}: {classes}."
            )
    if notes:
        print("\n" + "\n".join(notes))
