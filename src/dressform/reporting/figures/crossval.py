"""Cross-validations: learning curves of all folds, box plots over recipes, the table of folds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dressform.core.files import write_text
from dressform.evaluation.calibrate import calibrate
from dressform.evaluation.intervals import across_folds
from dressform.evaluation.metrics import METRICS, Metric
from dressform.reporting.figures.calibration import draw_calibration_history, draw_reliability
from dressform.reporting.figures.canvas import (
    LONGEST_TITLE,
    TRAIN,
    VALIDATION,
    new_figure,
    save,
    short_name,
    short_names,
    style_curves,
)
from dressform.runs.crossval import CrossvalRun


def draw_crossval(run: CrossvalRun) -> list[Path]:
    """Draw the figures of a cross-validation and write its table of folds.

    Returns:
        the files written: learning curves, box plot, reliability diagram, calibration over the
        epochs, table.
    """
    folder = run.layout.figures
    folder.mkdir(exist_ok=True)
    histories = run.histories()
    predictions, folds = run.out_of_fold()
    number = f"{run.repeats} × {run.folds}" if run.repeats > 1 else str(run.folds)
    title = f"{short_name(run.name, LONGEST_TITLE)}, {number} folds"
    pooled = "all folds pooled" if run.repeats == 1 else "all folds of repeat 0 pooled"
    curves = draw_fold_curves(histories, title)
    boxes = draw_boxes({run.name: run.accuracies}, run.folds, METRICS["accuracy"])
    reliability = draw_reliability(
        calibrate(predictions[0], parts=folds[0]),
        f"{short_name(run.name, LONGEST_TITLE)}, {pooled}",
        fitted_on="the other folds",
    )
    written = [
        save(curves, folder / "learning-curves.png"),
        save(boxes, folder / "box-plot.png"),
        save(reliability, folder / "reliability.png"),
    ]
    calibration = draw_calibration_history(histories, title)
    if calibration is not None:
        written.append(save(calibration, folder / "calibration.png"))
    write_text(run.layout.table, fold_table(run))
    return [*written, run.layout.table]


def fold_table(run: CrossvalRun) -> str:
    """A row per fold, then mean, standard deviation and interval, as text."""
    lines = ["repeat  fold  accuracy  epochs"]
    for row in run.summary.folds:
        lines.append(
            f"{row.repeat:6d}  {row.fold:4d}  {100 * row.accuracy:6.2f} %  {row.epochs:6d}"
        )
    s = run.summary
    lines += [
        "",
        f"mean {100 * s.mean:.2f} %, standard deviation {100 * s.sd:.2f} points, n = "
        f"{len(s.folds)}",
        f"{100 * s.low:.2f} to {100 * s.high:.2f} % ({s.method})",
    ]
    return "\n".join(lines) + "\n"


def draw_fold_curves(histories: Sequence[Sequence[dict[str, Any]]], title: str) -> Figure:
    """Training and held-out loss and accuracy of every fold; thick lines are means over the folds
    that are still training.

    Args:
        histories: the rows of each fold's results.csv.
        title: over both panels.
    """
    figure = new_figure(10, 4)
    figure.suptitle(title)
    longest = max(len(rows) for rows in histories)
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for prefix, name, colour in (
            ("train", "training (thin: each fold)", TRAIN),
            ("val", "held out (thin: each fold)", VALIDATION),
        ):
            curves = np.full((len(histories), longest), np.nan)
            for i, rows in enumerate(histories):
                curves[i, : len(rows)] = [
                    np.nan if r[f"{prefix}_{quantity}"] is None else r[f"{prefix}_{quantity}"]
                    for r in rows
                ]
            if np.isnan(curves).all():
                continue
            epochs = np.arange(1, longest + 1)
            axes.plot(epochs, curves.T, color=colour, alpha=0.35, linewidth=0.9)
            marker = "o" if longest <= 30 else None
            axes.plot(
                epochs,
                np.nanmean(curves, axis=0),
                color=colour,
                linewidth=2.2,
                marker=marker,
                markersize=4,
                label=name,
            )
        style_curves(axes, quantity)
    return figure


def draw_boxes(scores: Mapping[str, Sequence[float]], folds: int, metric: Metric) -> Figure:
    """A box plot of the folds' scores, a box per recipe, with a dot per fold and the 95 % interval
    of the mean.

    Args:
        scores: the scores of all folds [R * K], by recipe.
        folds: K.
        metric: of the scores.
    """
    figure = new_figure(10, max(2.2, 1.0 + 0.75 * len(scores)))
    axes = figure.subplots()
    positions = np.arange(len(scores), 0, -1)
    unit = 100 if metric.percent else 1
    values = [unit * np.asarray(each, dtype=np.float64) for each in scores.values()]
    style = {"color": "#444444"}
    axes.boxplot(
        values,
        positions=positions,
        orientation="horizontal",
        widths=0.5,
        showfliers=False,
        medianprops=style,
    )
    for position, row in zip(positions, values, strict=True):
        spread = np.linspace(-0.14, 0.14, len(row)) if len(row) > 1 else [0.0]
        axes.plot(
            row,
            position + np.asarray(spread),
            "o",
            color=TRAIN,
            alpha=0.6,
            markersize=4,
            linestyle="none",
        )
        mean = across_folds(row, folds).clip(0, unit * metric.maximum)
        interval = [[mean.value - mean.low], [mean.high - mean.value]]
        axes.errorbar(
            mean.value,
            position - 0.33,
            xerr=interval,
            fmt="D",
            color=VALIDATION,
            markersize=5,
            capsize=3,
        )
    axes.set_yticks(positions, short_names(list(scores)))
    axes.set_ylim(0.4, len(scores) + 0.6)
    shown = f"{metric.title} of each fold{' in %' if metric.percent else ''}"
    axes.set_xlabel(f"{shown} (box: quartiles; dots: folds; diamond: mean with 95 % interval)")
    axes.grid(axis="x", alpha=0.3)
    return figure
