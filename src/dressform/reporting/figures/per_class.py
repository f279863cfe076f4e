"""Per-class metrics: precision, recall and F1 as bars."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from dressform.evaluation.evaluate import Evaluation
from dressform.evaluation.intervals import Estimate
from dressform.reporting.figures.canvas import BARS, new_figure, short_names

MAX_CLASSES = 60
"""Of more classes, those with the lowest F1 are shown."""


def whiskers(estimates: Sequence[Estimate]) -> NDArray[np.float64]:
    """Distances from each value down and up to the ends of its interval, float64 [2, n]; 0 for
    classes without examples.
    """
    distances = [(e.value - e.low, e.high - e.value) if e.n else (0.0, 0.0) for e in estimates]
    return np.asarray(np.clip(np.array(distances).T, 0.0, None))


def draw_per_class(evaluation: Evaluation, title: str) -> Figure:
    """Three bars per class, with whiskers for the 95 % intervals; of very many classes, those with
    the lowest F1.
    """
    scores, note = evaluation.per_class, ""
    if len(scores) > MAX_CLASSES:
        scores = tuple(sorted(scores, key=lambda score: score.f1.value)[:MAX_CLASSES])
        note = f", the {MAX_CLASSES} of {len(evaluation.per_class):,} classes with the lowest F1"
    figure = new_figure(max(8.0, 1.05 * len(scores) + 1.5), 4.5)
    axes = figure.subplots()
    positions = np.arange(len(scores))
    for i, (name, colour) in enumerate(zip(("precision", "recall", "f1"), BARS, strict=True)):
        estimates: list[Estimate] = [getattr(score, name) for score in scores]
        centres, values = positions + (i - 1) * 0.27, [estimate.value for estimate in estimates]
        axes.bar(
            centres, values, 0.26, color=colour, label="F1" if name == "f1" else name.capitalize()
        )
        axes.errorbar(
            centres,
            values,
            yerr=whiskers(estimates),
            fmt="none",
            capsize=2,
            ecolor="#444444",
            elinewidth=1,
        )
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xticks(
        positions,
        short_names([s.label for s in scores]),
        rotation=30,
        ha="right",
        rotation_mode="anchor",
    )
    axes.set_title(f"{title}, with 95 % intervals{note}")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.22), frameon=False)
    return figure
