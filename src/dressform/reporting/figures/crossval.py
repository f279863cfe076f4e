"""Cross-validations: learning curves of all folds, box plots over recipes, the table of folds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dressform.core.files import write_text
from dressform.core.numbers import percent, percent_range, points
from dressform.evaluation.calibrate import MIN_EXAMPLES, calibrate
from dressform.evaluation.intervals import Estimate, across_folds
from dressform.evaluation.metrics import METRICS, Metric
from dressform.reporting.figures.calibration import draw_calibration_history, draw_reliability
from dressform.reporting.figures.canvas import (
    LONGEST_TITLE,
    TRAIN,
    VALIDATION,
    legend_below,
    marker,
    new_figure,
    origin_of,
    save,
    short_name,
    short_names,
    style_curves,
    styled,
)
from dressform.runs.crossval import CrossvalRun


def draw_crossval(run: CrossvalRun) -> list[Path]:
    """Draw the figures of a cross-validation and write its table of folds.

    Returns:
        the files written: learning curves, box plot, reliability diagram (with 20 examples or
        more), calibration over the epochs, table.
    """
    folder = run.layout.figures
    folder.mkdir(exist_ok=True)
    histories = run.histories()
    predictions, folds = run.out_of_fold()
    number = f"{run.repeats} × {run.folds}" if run.repeats > 1 else str(run.folds)
    title = f"{short_name(run.name, LONGEST_TITLE)}, {number} folds"
    pooled = "all folds pooled" if run.repeats == 1 else "all folds of repeat 1 pooled"
    curves = draw_fold_curves(histories, title)
    boxes = draw_boxes({run.name: run.accuracies}, run.folds, METRICS["accuracy"])
    origin = origin_of(run.path, run.name)
    written = [
        save(curves, folder / "learning-curves.png", origin),
        save(boxes, folder / "box-plot.png", origin),
    ]
    if len(predictions[0]) >= MIN_EXAMPLES:
        reliability = draw_reliability(
            calibrate(predictions[0], parts=folds[0]),
            f"{short_name(run.name, LONGEST_TITLE)}, {pooled}",
            fitted_on="the other folds",
        )
        written.append(save(reliability, folder / "reliability.png", origin))
    calibration = draw_calibration_history(histories, title)
    if calibration is not None:
        written.append(save(calibration, folder / "calibration.png", origin))
    write_text(run.layout.table, fold_table(run))
    return [*written, run.layout.table]


def fold_table(run: CrossvalRun) -> str:
    """A row per fold, then mean, standard deviation and interval, as text."""
    lines = ["repeat  fold  accuracy  epochs"]
    for row in run.summary.folds:
        lines.append(
            f"{row.repeat + 1:6d}  {row.fold + 1:4d}  {percent(row.accuracy):>8}  {row.epochs:6d}"
        )
    s = run.summary
    lines += [
        "",
        f"mean {percent(s.mean)}, standard deviation {points(s.sd)}, n = {len(s.folds)}",
        f"{percent_range(s.low, s.high)} % ({s.method})",
    ]
    return "\n".join(lines) + "\n"


@styled
def draw_fold_curves(histories: Sequence[Sequence[dict[str, Any]]], title: str) -> Figure:
    """Training and held-out loss and accuracy of every fold; thick lines are means over the folds
    that are still training.

    Args:
        histories: the rows of each fold's results.csv.
        title: over both panels.
    """
    longest = max(len(rows) for rows in histories)
    figure = new_figure(
        10,
        4.2,
        f"Line charts of loss and accuracy of {len(histories)} folds over {longest} epochs, in "
        f"training and held out.",
    )
    figure.suptitle(title)
    panels = figure.subplots(1, 2)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        for prefix, name, colour, mark in (
            ("train", "Training, mean (thin: each fold)", TRAIN, "o"),
            ("val", "Held out, mean (thin: each fold)", VALIDATION, "s"),
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
            axes.plot(
                epochs,
                np.nanmean(curves, axis=0),
                color=colour,
                linewidth=2.2,
                marker=marker(longest, mark),
                markersize=4,
                label=name,
            )
        style_curves(axes, quantity)
    legend_below(figure, *panels)
    return figure


@styled
def draw_boxes(scores: Mapping[str, Sequence[float]], folds: int, metric: Metric) -> Figure:
    """A box plot of the folds' scores, a box per recipe, with a dot per fold and the 95 % interval
    of the mean.

    Args:
        scores: the scores of all folds [R * K], by recipe.
        folds: K.
        metric: of the scores.
    """
    unit = 100 if metric.percent else 1
    values = [unit * np.asarray(each, dtype=np.float64) for each in scores.values()]
    means = [across_folds(row, folds).clip(0, unit * metric.maximum) for row in values]
    figure = new_figure(10, 1.5 + 0.75 * len(scores), _alt_text(list(scores), means, metric))
    axes = figure.subplots()
    positions = np.arange(len(scores), 0, -1)
    grey = {"color": "#555555"}
    axes.boxplot(
        values,
        positions=positions,
        orientation="horizontal",
        widths=0.4,
        showfliers=False,
        medianprops={"color": "#111111", "linewidth": 2},
        boxprops=grey,
        whiskerprops=grey,
        capprops=grey,
    )
    for position, row in zip(positions, values, strict=True):
        spread = np.linspace(-0.12, 0.12, len(row)) if len(row) > 1 else [0.0]
        axes.plot(
            row,
            position + np.asarray(spread),
            "o",
            color=TRAIN,
            alpha=0.6,
            markersize=4,
            label="Each fold",
        )
    axes.errorbar(
        [mean.value for mean in means],
        positions - 0.34,
        xerr=[[m.value - m.low for m in means], [m.high - m.value for m in means]],
        fmt="D",
        color=VALIDATION,
        markersize=5,
        capsize=3,
        label="Mean with 95 % interval",
    )
    box = "Box: quartiles and median"
    axes.plot([], [], "s", color=grey["color"], markerfacecolor="white", label=box)
    _widen(axes, unit, metric)
    axes.set_yticks(positions, short_names(list(scores)))
    axes.set_ylim(0.35, len(scores) + 0.45)
    name = metric.title[:1].upper() + metric.title[1:]
    axes.set_xlabel(f"{name} of each fold{' in %' if metric.percent else ''}")
    axes.grid(axis="x", alpha=0.3)
    legend_below(figure, axes)
    return figure


def _widen(axes: Axes, unit: int, metric: Metric) -> None:
    """An axis over a hundredth at least, so that equal folds do not look far apart."""
    low, high = axes.get_xlim()
    if high - low < 0.01 * unit:
        middle = (low + high) / 2
        low, high = middle - 0.005 * unit, middle + 0.005 * unit
    axes.set_xlim(max(low, -0.002 * unit), min(high, 1.002 * unit * metric.maximum))


def _alt_text(names: Sequence[str], means: Sequence[Estimate], metric: Metric) -> str:
    unit = " %" if metric.percent else ""
    each = [
        f"{name}: {mean.value:.4g}{unit} ({mean.low:.4g} to {mean.high:.4g})"
        for name, mean in zip(names, means, strict=True)
    ]
    return f"Box plots of the folds. {metric.title}, mean with 95 % interval: {'; '.join(each)}."
