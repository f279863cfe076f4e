"""The confusion matrix, as counts or normalised by row."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.reporting.figures.canvas import (
    new_figure,
    percent_ticks,
    short_names,
    slant_names,
    styled,
)
from dressform.reporting.figures.fonts import text_width

MAX_CLASSES_WITH_NUMBERS = 25
MAX_CLASSES_WITH_NAMES = 100


def normalise_rows(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row divided by its sum, float64 [K, K]; rows without examples are 0."""
    totals = confusion.sum(axis=1, keepdims=True)
    fractions: NDArray[np.float64] = np.divide(
        confusion, totals, out=np.zeros(confusion.shape), where=totals > 0
    )
    return fractions


@styled
def draw_confusion(
    confusion: NDArray[np.int64], class_names: tuple[str, ...], title: str, *, normalised: bool
) -> Figure:
    """A square of cells, rows true and columns predicted, coloured by the fraction of the row.

    Args:
        confusion: int64 [K, K].
        class_names: K names.
        title: over the square.
        normalised: show percentages of each row in place of counts.
    """
    classes, fractions = len(class_names), normalise_rows(confusion)
    named = classes <= MAX_CLASSES_WITH_NAMES
    few = classes <= MAX_CLASSES_WITH_NUMBERS
    size = 10 if few else 7
    names = short_names(class_names) if named else []
    margin = max((text_width(name, size) for name in names), default=0) / 72
    side = max(2.6, 0.62 * classes) if few else max(6.5, 0.13 * classes)
    figure = new_figure(
        max(side + margin + 1.7, text_width(title, 12) / 72 + 0.4),
        side + (0.75 if few else 1) * margin + 1.4,
        _alt_text(confusion, class_names),
    )
    axes = figure.subplots()
    # The square root makes rare confusions, which are what one looks for, stand out from white.
    # The figure has about the shape of its cells and names, so the cells are square enough; an
    # aspect that is fixed would push the labels of the axes out of the figure.
    image = axes.imshow(fractions, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto")
    beside = axes.inset_axes((1 + 0.15 / side, 0, 0.2 / side, 1))
    bar = figure.colorbar(image, cax=beside, ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
    bar.ax.yaxis.set_major_formatter(percent_ticks())
    bar.ax.minorticks_off()
    bar.set_label("% of the true class")
    if few:
        _write_numbers(axes, confusion, fractions, normalised=normalised)
    if named:
        axes.set_xticks(range(classes), names, fontsize=size)
        slant_names(axes, 45 if few else 90)
        axes.set_yticks(range(classes), names, fontsize=size)
    axes.set_xlabel("Predicted class")
    axes.set_ylabel("True class")
    figure.suptitle(f"{title}\n{'% of each true class' if normalised else 'counts'}")
    return figure


def _write_numbers(
    axes: Axes,
    confusion: NDArray[np.int64],
    fractions: NDArray[np.float64],
    *,
    normalised: bool,
) -> None:
    longest = len(str(confusion.max()))
    size = 9 if normalised or longest <= 5 else 45 / longest
    for row, column in np.argwhere(confusion):
        count, fraction = int(confusion[row, column]), float(fractions[row, column])
        axes.text(
            column,
            row,
            f"{100 * fraction:.1f}" if normalised else str(count),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if fraction > 0.36 else "black",
        )


def _alt_text(confusion: NDArray[np.int64], class_names: tuple[str, ...]) -> str:
    wrong = confusion - np.diag(np.diag(confusion))
    text = (
        f"Confusion matrix of {len(class_names)} classes: {int(np.trace(confusion)):,} of "
        f"{int(confusion.sum()):,} examples are on the diagonal."
    )
    if not wrong.any():
        return text
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return (
        f"{text} The most frequent confusion: {class_names[row]} predicted as "
        f"{class_names[column]}, {int(wrong[row, column]):,} times."
    )
