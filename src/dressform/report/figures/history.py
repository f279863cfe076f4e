"""Loss and accuracy over the epochs."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from dressform.report.figures.canvas import TRAIN, VALIDATION, new_figure


def draw_history(rows: Sequence[dict[str, Any]], title: str) -> Figure:
    """Two panels, train and validation curves in each.

    Args:
        rows: of results.csv.
        title: over both.
    """
    figure = new_figure(10, 4)
    figure.suptitle(title)
    epochs = [int(row["epoch"]) for row in rows]
    for axes, quantity, word in zip(figure.subplots(1, 2), ("loss", "accuracy"), ("Loss (cross-entropy)", "Accuracy"), strict=True):
        for prefix, name, colour in (("train", "train (while learning)", TRAIN), ("val", "validation", VALIDATION)):
            values = [row[f"{prefix}_{quantity}"] for row in rows]
            if None not in values:
                axes.plot(epochs, values, color=colour, marker="o" if len(epochs) <= 30 else None, markersize=4, label=name)
        axes.set_xlabel("epoch")
        axes.set_title(word)
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if quantity == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        else:
            axes.set_ylim(bottom=0)
        axes.legend()
    return figure
