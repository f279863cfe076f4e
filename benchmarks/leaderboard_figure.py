"""The figure of the leaderboard: accuracy against parameters and multiply-adds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dressform.reporting.figures.canvas import (
    TRAIN,
    VALIDATION,
    legend_below,
    new_figure,
    percent_ticks,
    styled,
)

KINDS = {
    "ours": ("o", TRAIN, "dressform"),
    "published": ("D", VALIDATION, "published, present data"),
    "other data": ("x", "#767676", "published, other or unknown data"),
}
"""Mark, colour and words of each kind."""
FLOOR = 0.89
"""Less accurate networks are named in the table only."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A network.

    Attributes:
        name: for people.
        accuracy: on the test images, 0..1.
        sd: over seeds; 0 where unknown.
        parameters: numbers in it.
        multiply_adds: for one image; None where unknown.
        kind: who measured it on which data.
    """

    name: str
    accuracy: float
    sd: float
    parameters: int
    multiply_adds: int | None
    kind: Literal["ours", "published", "other data"]


def pareto_front(
    points: Sequence[Point], cost: Callable[[Point], float] = lambda point: point.parameters
) -> list[Point]:
    """The points that no other beats: more accurate than all that cost as little; cheapest
    first.
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (cost(point), -point.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front


@styled
def draw_leaderboard(points: Sequence[Point]) -> Figure:
    """Two panels with the Pareto front of what was measured on the present data; named are the
    networks on it, and on the front of ours.
    """
    shown = [point for point in points if point.accuracy >= FLOOR]
    figure = new_figure(11, 5.2, _alt_text(points))
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle("Test accuracy on Fashion-MNIST and what it costs")
    _panel(left, shown, lambda point: point.parameters, "Parameters")
    known = [point for point in shown if point.multiply_adds is not None]
    _panel(right, known, lambda point: float(point.multiply_adds or 0), "Multiply-adds per image")
    left.set_ylabel("Test accuracy, mean ± s.d.")
    left.yaxis.set_major_formatter(percent_ticks())
    legend_below(figure, left, columns=4)
    return figure


def _panel(axes: Axes, points: Sequence[Point], cost: Callable[[Point], float], label: str) -> None:
    axes.set_xscale("log")
    for kind, (mark, colour, words) in KINDS.items():
        of_kind = [point for point in points if point.kind == kind]
        if of_kind:
            axes.errorbar(
                [cost(point) for point in of_kind],
                [point.accuracy for point in of_kind],
                yerr=[point.sd for point in of_kind],
                fmt=mark,
                color=colour,
                capsize=2,
                markersize=6,
                label=words,
            )
    front = pareto_front([point for point in points if point.kind != "other data"], cost)
    axes.step(
        [cost(point) for point in front],
        [point.accuracy for point in front],
        where="post",
        color="#333333",
        linewidth=1,
        label="Pareto front",
        zorder=0,
    )
    ours = pareto_front([point for point in points if point.kind == "ours"], cost)
    for point in {point.name: point for point in (*front, *ours)}.values():
        axes.annotate(  # above and to the left of a point on the front, nothing is
            point.name,
            (cost(point), point.accuracy),
            xytext=(-6, 5),
            textcoords="offset points",
            ha="right",
            fontsize=8,
        )
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.grid(alpha=0.3)
    costs = [cost(point) for point in points]
    axes.set_xlim(min(costs) / 8, 2 * max(costs))  # with room for names on the left


def _short(value: float, _: int) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _alt_text(points: Sequence[Point]) -> str:
    each = [
        f"{point.name}: {100 * point.accuracy:.2f} % with {point.parameters:,} parameters"
        + ("" if point.multiply_adds is None else f" and {point.multiply_adds:,} multiply-adds")
        for point in sorted(points, key=lambda point: -point.accuracy)
    ]
    return f"Test accuracy against parameters and multiply-adds. {'; '.join(each)}."
