"""The trials of a tuning: objective by trial and by setting."""

import itertools
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from dressform.reporting.figures.canvas import CORRECT, TRAIN, VALIDATION, new_figure, short_names

_COLUMNS = 4


def best_so_far(tuning: Mapping[str, Any]) -> list[tuple[int, float]]:
    """The number of each complete trial, and the best value so far.

    Args:
        tuning: as in :func:`draw_tuning`.
    """
    better = max if tuning["metric"] == "val_accuracy" else min
    complete = [trial for trial in tuning["trials"] if trial["state"] == "complete"]
    bests = itertools.accumulate((trial["value"] for trial in complete), better)
    return [(trial["number"], best) for trial, best in zip(complete, bests, strict=True)]


def draw_tuning(tuning: Mapping[str, Any], title: str) -> Figure:
    """The value by trial and the best so far; then a panel per setting, with a logarithmic axis
    where the setting was sampled on one.

    Complete trials are filled marks, pruned ones are hollow, at their last value; failed ones have
    none.

    Args:
        tuning: content of tuning.json: ``metric``, ``space`` (path and text), ``trials``
            (``number``, ``state``, ``value``, ``settings``).
        title: over all.
    """
    space: Mapping[str, str] = tuning["space"]
    columns = min(_COLUMNS, len(space) + 1)
    rows = -(-(len(space) + 1) // columns)
    figure = new_figure(3.6 * columns, 3.4 * rows)
    figure.suptitle(title)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    accuracy = tuning["metric"] == "val_accuracy"
    _draw_trials(panels[0], tuning)
    for axes, path in zip(panels[1:], space, strict=False):
        _draw_setting(axes, tuning, path)
    for axes in panels[: len(space) + 1]:
        axes.grid(alpha=0.3)
        if accuracy:
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    for axes in panels[::columns]:
        axes.set_ylabel("Validation accuracy" if accuracy else "Validation loss")
    for axes in panels[len(space) + 1 :]:
        axes.set_axis_off()
    return figure


def _draw_trials(axes: Axes, tuning: Mapping[str, Any]) -> None:
    _scatter(axes, tuning, {trial["number"]: trial["number"] for trial in tuning["trials"]})
    if best := best_so_far(tuning):
        axes.step(*zip(*best, strict=True), where="post", color=CORRECT, label="best so far")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    axes.set_xlabel("Trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw_setting(axes: Axes, tuning: Mapping[str, Any], path: str) -> None:
    text = tuning["space"][path]
    settings = {trial["number"]: trial["settings"][path] for trial in tuning["trials"]}
    if ":" not in text:  # choices: numbers in ascending order, others in order of appearance
        choices = list(dict.fromkeys(settings.values()))
        numeric = all(isinstance(value, (int, float)) for value in choices)
        order = sorted(choices) if numeric else choices
        settings = {number: order.index(value) for number, value in settings.items()}
        axes.set_xticks(range(len(order)), short_names([str(value) for value in order]))
        axes.set_xlim(-0.5, len(order) - 0.5)
    elif text.startswith("log:"):
        axes.set_xscale("log")
    _scatter(axes, tuning, settings)
    axes.set_xlabel(path)


def _scatter(axes: Axes, tuning: Mapping[str, Any], positions: Mapping[int, float]) -> None:
    for state, face, edge in (("complete", TRAIN, TRAIN), ("pruned", "none", VALIDATION)):
        shown = [
            trial
            for trial in tuning["trials"]
            if trial["state"] == state and trial["value"] is not None
        ]
        if shown:
            xs, ys = (
                [positions[trial["number"]] for trial in shown],
                [trial["value"] for trial in shown],
            )
            axes.scatter(xs, ys, s=30, facecolors=face, edgecolors=edge, label=state)
