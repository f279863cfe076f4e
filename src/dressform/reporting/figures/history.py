"""Learning curves: loss, accuracy and learning rate by epoch."""

from collections.abc import Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dressform.core.numbers import percent
from dressform.reporting.figures.canvas import (
    METRIC_COLOURS,
    TRAIN,
    VALIDATION,
    legend_below,
    marker,
    new_figure,
    style_curves,
    style_epochs,
    styled,
)
from dressform.runs.history import EpochRow

LEGEND = 85
"""Characters of a line of the legend."""


@styled
def draw_history(
    rows: Sequence[EpochRow], title: str, *, measured: str = "during training"
) -> Figure:
    """Two panels with training and validation curves, and the learning rate below them.

    Args:
        rows: of results.csv; without a column ``lr`` there is no panel for it.
        title: over both panels.
        measured: how the training values were measured; see
            :func:`dressform.runs.history.training_conditions`.
    """
    epochs, rates = _points(rows, "lr")
    known = len(rates) == len(rows)
    figure = new_figure(10, 5.6 if known else 4.2, _alt_text(rows))
    figure.suptitle(title)
    panels = figure.subplot_mosaic(
        [["loss", "accuracy"], ["lr", "lr"]] if known else [["loss", "accuracy"]],
        height_ratios=[3.2, 1] if known else None,
    )
    for quantity in ("loss", "accuracy"):
        _draw_curves(panels[quantity], rows, quantity, fill(f"training ({measured})", LEGEND))
    if known:
        axes = panels["lr"]
        axes.plot(epochs, rates, color=METRIC_COLOURS[2], marker=marker(len(rows)), markersize=4)
        style_epochs(axes)
        axes.set_title("Learning rate at the end of the epoch")
        axes.set_ylim(bottom=0)
    legend_below(figure, panels["loss"], panels["accuracy"])
    return figure


def _draw_curves(axes: Axes, rows: Sequence[EpochRow], quantity: str, training: str) -> None:
    for prefix, name, colour, mark in (
        ("train", training, TRAIN, "o"),
        ("val", "validation", VALIDATION, "s"),
    ):
        epochs, values = _points(rows, f"{prefix}_{quantity}")
        if len(values) == len(rows):
            axes.plot(
                epochs,
                values,
                color=colour,
                marker=marker(len(epochs), mark),
                markersize=4,
                label=name,
            )
    style_curves(axes, quantity)


def _points(rows: Sequence[EpochRow], column: str) -> tuple[list[int], list[float]]:
    """The epochs that have a value in a column, and their values."""
    points = [(n, value) for n, row in enumerate(rows, 1) if (value := row.get(column)) is not None]
    return [n for n, _ in points], [value for _, value in points]


def _alt_text(rows: Sequence[EpochRow]) -> str:
    last = rows[-1]
    values = [
        f"{name} accuracy {percent(value, 1)}"
        for prefix, name in (("train", "training"), ("val", "validation"))
        if (value := last[f"{prefix}_accuracy"]) is not None
    ]
    return (
        f"Line charts of loss, accuracy and learning rate over {len(rows)} epochs. At the end: "
        f"{', '.join(values)}."
    )
