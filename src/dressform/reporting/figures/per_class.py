"""Per-class metrics: precision, recall and F1 as dots with intervals."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.core.numbers import percent
from dressform.evaluation.evaluate import ClassScore
from dressform.evaluation.intervals import Estimate
from dressform.reporting.figures.canvas import (
    METRIC_COLOURS,
    legend_below,
    new_figure,
    percent_axis,
    percent_ticks,
    short_names,
    styled,
)

MAX_CLASSES = 60
"""Of more classes, those with the lowest F1 are shown."""
METRICS = (("precision", "Precision", "o"), ("recall", "Recall", "s"), ("f1", "F1", "D"))


def whiskers(estimates: Sequence[Estimate]) -> NDArray[np.float64]:
    """Distances from each value down and up to the ends of its interval, float64 [2, n]; 0 for
    classes without examples.
    """
    distances = [(e.value - e.low, e.high - e.value) if e.n else (0.0, 0.0) for e in estimates]
    return np.asarray(np.clip(np.array(distances).T, 0.0, None))


@styled
def draw_per_class(class_scores: Sequence[ClassScore], title: str) -> Figure:
    """Three dots per class with their 95 % intervals, a class a row, in label order; of very many
    classes, those with the lowest F1, the lowest first.

    The axis begins a little below the lowest interval. A metric without a value (the recall of a
    class without examples, the precision of one that is never predicted) has no dot.
    """
    scores, note = tuple(class_scores), ""
    if len(scores) > MAX_CLASSES:
        scores = tuple(sorted(scores, key=lambda score: score.f1.value)[:MAX_CLASSES])
        note = f"\n{MAX_CLASSES} of {len(class_scores):,} classes with the lowest F1"
    figure = new_figure(8.5, max(3.0, 0.34 * len(scores) + 1.5), _alt_text(scores))
    axes = figure.subplots()
    drawn: list[Estimate] = []
    for i, (name, label, mark) in enumerate(METRICS):
        estimates = [getattr(score, name) for score in scores]
        rows = [row for row, estimate in enumerate(estimates) if estimate.n]
        shown = [estimates[row] for row in rows]
        if not shown:
            continue
        drawn += shown
        axes.errorbar(
            [estimate.value for estimate in shown],
            np.array(rows) + 0.24 * (i - 1),
            xerr=whiskers(shown),
            fmt=mark,
            color=METRIC_COLOURS[i],
            markersize=4.5,
            elinewidth=1.3,
            label=label,
            clip_on=False,
        )
    if len(drawn) < len(METRICS) * len(scores):
        note += "\nno dot: the class has no examples, or is never predicted"
    if drawn:
        low, high = min(e.low for e in drawn), max(e.high for e in drawn)
        axes.set_xlim(*percent_axis(low, high))
    names = short_names([score.label for score in scores])
    supports = [f"{score.support:,}" for score in scores]
    axes.set_yticks(
        range(len(scores)), [f"{name}  ({n})" for name, n in zip(names, supports, strict=True)]
    )
    for row in range(0, len(scores), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f4f6", linewidth=0)
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_ylabel("Class (number of examples)")
    axes.xaxis.set_major_formatter(percent_ticks())
    figure.suptitle(f"{title}\nper-class metrics with 95 % intervals{note}")
    axes.grid(axis="x", alpha=0.3)
    legend_below(figure, axes)
    return figure


def _alt_text(scores: Sequence[ClassScore]) -> str:
    worst, best = (pick(scores, key=lambda score: score.f1.value) for pick in (min, max))
    return (
        f"Precision, recall and F1 of {len(scores)} classes as dots with 95 % intervals. F1 is "
        f"lowest for {worst.label} ({percent(worst.f1.value, 1)}) and highest for {best.label} "
        f"({percent(best.f1.value, 1)})."
    )
