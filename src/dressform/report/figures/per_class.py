"""Precision, recall and F1 of each class as bars."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from dressform.evaluation.evaluate import Evaluation
from dressform.evaluation.intervals import Estimate
from dressform.report.figures.canvas import BARS, new_figure

MOST_CLASSES = 60
"""That are shown."""


def whiskers(estimates: Sequence[Estimate]) -> NDArray[np.float64]:
    """How far each interval reaches below and above its value, float64 [2, n]; 0 where nothing is
    known.
    """
    reach = [(e.value - e.low, e.high - e.value) if e.n else (0.0, 0.0) for e in estimates]
    return np.asarray(np.clip(np.array(reach).T, 0.0, None))


def draw_per_class(evaluation: Evaluation, title: str) -> Figure:
    """Three bars a class, with whiskers for the 95 % intervals; of very many classes those with the
    lowest F1.
    """
    scores, note = evaluation.per_class, ""
    if len(scores) > MOST_CLASSES:
        scores = tuple(sorted(scores, key=lambda score: score.f1.value)[:MOST_CLASSES])
        note = f", the {MOST_CLASSES} of {len(evaluation.per_class):,} classes with the lowest F1"
    figure = new_figure(max(8.0, 1.05 * len(scores) + 1.5), 4.5)
    axes = figure.subplots()
    positions = np.arange(len(scores))
    for i, (name, colour) in enumerate(zip(("precision", "recall", "f1"), BARS, strict=True)):
        estimates: list[Estimate] = [getattr(score, name) for score in scores]
        places, values = positions + (i - 1) * 0.27, [estimate.value for estimate in estimates]
        axes.bar(places, values, 0.26, color=colour, label="F1" if name == "f1" else name)
        axes.errorbar(
            places,
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
        positions, [s.label for s in scores], rotation=30, ha="right", rotation_mode="anchor"
    )
    axes.set_title(f"{title} — whiskers: 95 % intervals{note}")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.22), frameon=False)
    return figure
