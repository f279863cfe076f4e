"""Comparisons: the differences between models as dots with intervals."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from dressform.evaluation.comparison import Comparison
from dressform.evaluation.metrics import METRICS
from dressform.reporting.figures.canvas import (
    CORRECT,
    TRAIN,
    WRONG,
    legend_below,
    new_figure,
    short_name,
    styled,
)

VERDICTS = {
    "better": (CORRECT, "^", "better"),
    "worse": (WRONG, "v", "worse"),
    "equal": (TRAIN, "s", "practically equal"),
    "undecided": ("#555555", "o", "undecided"),
}
"""Colour, mark and words of each verdict on the second model."""


@styled
def draw_differences(comparisons: Sequence[Comparison]) -> Figure:
    """The difference of every pair with its 95 % interval, a pair a row, beside 0 and the region of
    practical equivalence.

    Args:
        comparisons: of one metric, one or more.
    """
    metric = METRICS[comparisons[0].metric]
    unit = 100 if metric.percent else 1
    figure = new_figure(10, 1.7 + 0.62 * len(comparisons), _alt_text(comparisons, unit))
    axes = figure.subplots()
    for row, pair in enumerate(comparisons):
        colour, mark, words = VERDICTS[pair.verdict]
        low, value, high = (
            unit * v for v in (pair.difference.low, pair.difference.value, pair.difference.high)
        )
        axes.errorbar(
            value,
            row,
            xerr=[[max(0.0, value - low)], [max(0.0, high - value)]],
            fmt=mark,
            color=colour,
            markersize=7,
            capsize=3,
            label=words,
        )
    rope = unit * comparisons[0].rope
    axes.axvline(0, color="#767676", linestyle="--", linewidth=1, label="No difference")
    if rope:
        axes.axvspan(
            -rope, rope, color="#e4e7ec", zorder=0, label=f"Practically equal (± {rope:g})"
        )
    names = [f"{short_name(pair.b)}\nminus {short_name(pair.a)}" for pair in comparisons]
    axes.set_yticks(range(len(comparisons)), names)
    axes.set_ylim(len(comparisons) - 0.5, -0.5)
    good = "" if metric.greater_is_better else " (lower is better)"
    axes.set_xlabel(
        f"Difference in {metric.title}{', points' if metric.percent else ''}{good}, with 95 % "
        f"interval"
    )
    axes.grid(axis="x", alpha=0.3)
    legend_below(figure, axes, columns=6)
    return figure


def _alt_text(comparisons: Sequence[Comparison], unit: int) -> str:
    each = [
        f"{pair.b} minus {pair.a}: {unit * pair.difference.value:+.3g} "
        f"({unit * pair.difference.low:+.3g} to {unit * pair.difference.high:+.3g}), "
        f"{pair.verdict}"
        for pair in comparisons
    ]
    return f"Differences with 95 % intervals. {'; '.join(each)}."
