"""Learning curves: loss and accuracy by epoch."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from dressform.reporting.figures.canvas import TRAIN, VALIDATION, new_figure, style_curves


def draw_history(
    rows: Sequence[dict[str, Any]], title: str, *, measured: str = "while training"
) -> Figure:
    """Two panels with training and validation curves.

    Args:
        rows: of results.csv.
        title: over both panels.
        measured: how the training values were measured; see
            :func:`dressform.runs.history.training_conditions`.
    """
    figure = new_figure(10, 4)
    figure.suptitle(title)
    # a long line would push the curves aside
    training = f"training ({measured})".replace(", ", ",\n")
    epochs = [int(row["epoch"]) for row in rows]
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for prefix, name, colour in (("train", training, TRAIN), ("val", "validation", VALIDATION)):
            values = [row[f"{prefix}_{quantity}"] for row in rows]
            if None not in values:
                axes.plot(
                    epochs,
                    values,
                    color=colour,
                    marker="o" if len(epochs) <= 30 else None,
                    markersize=4,
                    label=name,
                )
        style_curves(axes, quantity)
    return figure
