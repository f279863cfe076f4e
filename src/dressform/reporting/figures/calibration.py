"""Calibration: reliability diagrams, and calibration over the epochs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.core.numbers import percent, percent_range
from dressform.evaluation.calibrate import Calibration
from dressform.evaluation.calibration import FEW_EXAMPLES, Reliability, reliability
from dressform.evaluation.intervals import wilson
from dressform.reporting.figures.canvas import (
    CORRECT,
    TRAIN,
    VALIDATION,
    legend_below,
    marker,
    new_figure,
    percent_ticks,
    style_epochs,
    styled,
)

FADED = 0.35
"""Opacity of a bin with few examples."""


@styled
def draw_reliability(
    calibration: Calibration, title: str, *, fitted_on: str = "other examples"
) -> Figure:
    """Reliability diagrams before and after temperature scaling, each over a histogram of the
    confidence. Bins with few examples are faded.

    Args:
        calibration: of the predictions.
        title: over both diagrams.
        fitted_on: the examples that the temperature was fitted on.
    """
    before, after = calibration.before["ece"].value, calibration.after["ece"].value
    figure = new_figure(
        10,
        5.4,
        f"Two reliability diagrams, accuracy by confidence. Expected calibration error "
        f"{percent(before)} uncalibrated, {percent(after)} after temperature scaling.",
    )
    figure.suptitle(title)
    grid = figure.subplots(2, 2, sharex=True, height_ratios=[4, 1])
    scaled = f"Temperature-scaled: {temperature_text(calibration)}\nfitted on {fitted_on}"
    columns = (
        ("Uncalibrated", calibration.unscaled, calibration.before),
        (scaled, calibration.scaled, calibration.after),
    )
    for (axes, below), (heading, predictions, scores) in zip(grid.T, columns, strict=True):
        diagram = reliability(predictions)
        _draw_diagram(axes, diagram)
        _draw_histogram(below, diagram)
        ece, nll = scores["ece"], scores["nll"]
        axes.set_title(
            f"{heading}\nECE {percent(ece.value)} ({percent_range(ece.low, ece.high)}),"
            f" NLL {nll.value:.3f}"
        )
    legend_below(figure, *grid[0], columns=4)
    return figure


def temperature_text(calibration: Calibration) -> str:
    """The temperature, or the range of several: ``T = 0.85``, or ``T = 0.83 to 0.87``."""
    temperatures = calibration.temperatures
    low, high = (f"{value:.2f}" for value in (min(temperatures), max(temperatures)))
    return f"T = {low}" if low == high else f"T = {low} to {high}"


def _draw_diagram(axes: Axes, diagram: Reliability) -> None:
    """Accuracy by confidence, with its gap to perfect calibration and 95 % intervals."""
    axes.plot(
        [0, 1],
        [0, 1],
        color="#767676",
        linestyle="--",
        linewidth=1,
        label="Perfect calibration",
    )
    full = diagram.count > 0
    axes.plot(diagram.confidence[full], diagram.accuracy[full], color=TRAIN, linewidth=1)
    many = diagram.count >= FEW_EXAMPLES
    for bins, alpha, note in (
        (many, 1.0, "Model, with 95 % intervals"),
        (full & ~many, FADED, f"Faded: fewer than {FEW_EXAMPLES} examples"),
    ):
        if bins.any():
            _draw_bins(axes, diagram, bins, alpha, note)
    axes.set_ylabel("Accuracy")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)


def _draw_bins(
    axes: Axes, diagram: Reliability, bins: NDArray[np.bool_], alpha: float, label: str
) -> None:
    confidence, accuracy = diagram.confidence[bins], diagram.accuracy[bins]
    counts = diagram.count[bins].tolist()
    intervals = [wilson(round(a * n), n) for a, n in zip(accuracy.tolist(), counts, strict=True)]
    axes.vlines(
        confidence,
        confidence,
        accuracy,
        color=VALIDATION,
        linewidth=5,
        alpha=0.5 * alpha,
        label="Gap" if alpha == 1 else "_",
    )
    axes.vlines(
        confidence,
        [interval.low for interval in intervals],
        [interval.high for interval in intervals],
        color=TRAIN,
        linewidth=1.5,
        alpha=alpha,
    )
    axes.plot(
        confidence,
        accuracy,
        color=TRAIN,
        marker="o",
        markersize=5,
        linestyle="none",
        markerfacecolor=TRAIN if alpha == 1 else "white",
        alpha=alpha,
        clip_on=False,
        label=label,
    )


def _draw_histogram(axes: Axes, diagram: Reliability) -> None:
    """The fraction of examples by confidence."""
    axes.bar(
        diagram.edges[:-1],
        diagram.count / diagram.count.sum(),
        width=np.diff(diagram.edges),
        align="edge",
        color=TRAIN,
        alpha=0.5,
    )
    axes.set_ylabel("Examples")
    axes.yaxis.set_major_formatter(percent_ticks())
    axes.set_xlabel("Confidence (probability of the predicted class)")


@styled
def draw_calibration_history(
    histories: Sequence[Sequence[dict[str, Any]]], title: str
) -> Figure | None:
    """NLL, ECE and error rate on held-out examples over the epochs, in one chart.

    It shows why the validation loss may rise while the accuracy still rises: the network gets more
    answers right, but becomes overconfident of the wrong ones. The NLL penalises that and the
    accuracy does not; the ECE shows it.

    Args:
        histories: the rows of results.csv, of one training or of each fold.
        title: over the chart.

    Returns:
        the figure, or None where there was no validation or no ECE.
    """
    longest = max(len(rows) for rows in histories)
    means = {name: _mean(histories, f"val_{name}", longest) for name in ("loss", "ece", "accuracy")}
    if any(np.isnan(values).all() for values in means.values()):
        return None
    conclusion = _conclusion(means)
    figure = new_figure(8, 4.4, f"NLL, error rate and ECE over {longest} epochs. {conclusion}.")
    axes = figure.subplots()
    right = axes.twinx()
    epochs = np.arange(1, longest + 1)
    for panel, values, label, colour, mark, line in (
        (axes, means["loss"], "NLL (left)", VALIDATION, "s", "-"),
        (right, 1 - means["accuracy"], "Error rate (right)", TRAIN, "o", "-"),
        (right, means["ece"], "ECE (right)", CORRECT, "D", "--"),
    ):
        panel.plot(
            epochs,
            values,
            color=colour,
            marker=marker(longest, mark),
            markersize=4,
            linestyle=line,
            label=label,
        )
        panel.set_ylim(bottom=0)
    style_epochs(axes)
    axes.set_ylabel("NLL (nats)")
    right.yaxis.set_major_formatter(percent_ticks())
    right.set_ylabel("Error rate, ECE")
    legend_below(figure, axes, right)
    axes.set_title(f"{title}\n{conclusion}")
    return figure


def _mean(
    histories: Sequence[Sequence[dict[str, Any]]], column: str, longest: int
) -> NDArray[np.float64]:
    """The mean of a column over the training runs that reached each epoch, [longest]; NaN where
    none has a value.
    """
    values = np.full((len(histories), longest), np.nan)
    for i, rows in enumerate(histories):
        values[i, : len(rows)] = [
            np.nan if row.get(column) is None else row[column] for row in rows
        ]
    counts = (~np.isnan(values)).sum(axis=0)
    means: NDArray[np.float64] = np.divide(
        np.nansum(values, axis=0), counts, out=np.full(longest, np.nan), where=counts > 0
    )
    return means


def _conclusion(means: dict[str, NDArray[np.float64]]) -> str:
    loss, accuracy, ece = means["loss"], means["accuracy"], means["ece"]
    best = int(np.nanargmin(loss))
    if best == len(loss) - 1:
        return "NLL is lowest at the last epoch"
    lowest = f"NLL is lowest at epoch {best + 1}"
    if accuracy[-1] > accuracy[best] and ece[-1] > ece[best]:
        return f"{lowest}; accuracy then still rises, but so does overconfidence (ECE)"
    return lowest
