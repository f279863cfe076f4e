"""The confusion matrix, as counts or normalised by row."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.reporting.figures.canvas import new_figure, short_names

MAX_CLASSES_WITH_NUMBERS = 25
MAX_CLASSES_WITH_NAMES = 100


def normalise_rows(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row divided by its sum, float64 [K, K]; rows without examples are 0."""
    totals = confusion.sum(axis=1, keepdims=True)
    fractions: NDArray[np.float64] = np.divide(
        confusion, totals, out=np.zeros(confusion.shape), where=totals > 0
    )
    return fractions


def draw_confusion(
    confusion: NDArray[np.int64], class_names: tuple[str, ...], title: str, *, normalised: bool
) -> Figure:
    """A square of cells, rows true and columns predicted.

    Args:
        confusion: int64 [K, K].
        class_names: K names.
        title: over the square.
        normalised: show percentages of each row in place of counts.
    """
    classes = len(class_names)
    fractions = normalise_rows(confusion)
    side = max(6.0, min(24.0, 0.62 * classes + 2.2))
    figure = new_figure(side + 0.8, side)
    axes = figure.subplots()
    # The square root makes rare confusions, which are what one looks for, stand out from white.
    axes.imshow(np.sqrt(fractions), cmap="Blues", vmin=0, vmax=1)
    if classes <= MAX_CLASSES_WITH_NUMBERS:
        for row, column in np.ndindex(classes, classes):
            count, fraction = int(confusion[row, column]), float(fractions[row, column])
            if count:
                text = f"{100 * fraction:.1f}" if normalised else str(count)
                axes.text(
                    column,
                    row,
                    text,
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="white" if fraction > 0.36 else "black",
                )
    if classes <= MAX_CLASSES_WITH_NAMES:
        names = short_names(class_names)
        axes.set_xticks(range(classes), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(classes), names)
    axes.set_xlabel("Predicted class")
    axes.set_ylabel("True class")
    axes.set_title(f"{title}, {'% of each true class' if normalised else 'counts'}")
    return figure
