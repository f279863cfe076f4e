"""Precision, recall and F1 of each class as bars."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from dressform.evaluation.evaluate import Evaluation
from dressform.evaluation.intervals import wilson
from dressform.report.figures.canvas import BARS, new_figure


def recall_intervals(evaluation: Evaluation) -> list[tuple[float, float]]:
    """How far Wilson's 95 % interval reaches below and above each class's recall."""
    reach = []
    for i, score in enumerate(evaluation.per_class):
        if score.support == 0:
            reach.append((0.0, 0.0))
            continue
        estimate = wilson(int(evaluation.confusion[i, i]), score.support)
        reach.append((max(0.0, score.recall - estimate.low), max(0.0, estimate.high - score.recall)))
    return reach


def draw_per_class(evaluation: Evaluation, title: str) -> Figure:
    """Three bars a class; the whisker on recall is Wilson's 95 % interval."""
    scores = evaluation.per_class
    figure = new_figure(max(8.0, 1.05 * len(scores) + 1.5), 4.5)
    axes = figure.subplots()
    positions = np.arange(len(scores))
    whiskers = np.array(recall_intervals(evaluation)).T
    for i, (name, colour) in enumerate(zip(("precision", "recall", "f1"), BARS, strict=True)):
        values = [getattr(score, name) for score in scores]
        axes.bar(positions + (i - 1) * 0.27, values, 0.26, color=colour, label="F1" if name == "f1" else name)
        if name == "recall":
            axes.errorbar(positions, values, yerr=whiskers, fmt="none", capsize=3, ecolor="#444444")
    lowest = min(min(s.precision, s.recall) for s in scores)
    axes.set_ylim(max(0.0, np.floor(10 * lowest - 1) / 10), 1.0)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xticks(positions, [s.label for s in scores], rotation=30, ha="right", rotation_mode="anchor")
    axes.set_title(f"{title} — whisker: Wilson 95 % interval of recall")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.22), frameon=False)
    return figure
