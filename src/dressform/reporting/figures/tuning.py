"""The trials of a tuning: objective by trial and by setting."""

import itertools
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from dressform.reporting.figures.canvas import (
    CORRECT,
    TRAIN,
    VALIDATION,
    legend_below,
    new_figure,
    percent_ticks,
    plain_numbers,
    short_name,
    short_names,
    slant_names,
    styled,
    whole_numbers,
)

_COLUMNS = 3
MAX_CHARACTERS = 26
"""Of all choices beside each other under a panel; more are written aslant."""
MAX_SLANTED = 8
"""Choices with room for that; more stand upright."""


def best_so_far(tuning: Mapping[str, Any]) -> list[tuple[int, float]]:
    """The number of each complete trial, and the best value so far.

    Args:
        tuning: as in :func:`draw_tuning`.
    """
    better = max if tuning["metric"] == "val_accuracy" else min
    complete = [trial for trial in tuning["trials"] if trial["state"] == "complete"]
    bests = itertools.accumulate((trial["value"] for trial in complete), better)
    return [(trial["number"], best) for trial, best in zip(complete, bests, strict=True)]


@styled
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
    figure = new_figure(3.4 * columns, 3.1 * rows + 0.5, _alt_text(tuning))
    figure.suptitle(title)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    accuracy = tuning["metric"] == "val_accuracy"
    _draw_trials(panels[0], tuning)
    for axes, path in zip(panels[1:], space, strict=False):
        _draw_setting(axes, tuning, path)
    for axes in panels[: len(space) + 1]:
        axes.grid(alpha=0.3)
        if accuracy:
            axes.yaxis.set_major_formatter(percent_ticks())
    for axes in panels[::columns]:
        axes.set_ylabel("Validation accuracy" if accuracy else "Validation loss")
    for axes in panels[len(space) + 1 :]:
        axes.set_axis_off()
    legend_below(figure, *panels[: len(space) + 1])
    return figure


def _alt_text(tuning: Mapping[str, Any]) -> str:
    settings, best = ", ".join(tuning["space"]), best_so_far(tuning)
    text = f"Dot charts of {len(tuning['trials'])} trials, by trial and by {settings}."
    name = "validation accuracy" if tuning["metric"] == "val_accuracy" else "validation loss"
    return f"{text} Best {name}: {best[-1][1]:.4g}." if best else text


def _draw_trials(axes: Axes, tuning: Mapping[str, Any]) -> None:
    _scatter(axes, tuning, {trial["number"]: trial["number"] for trial in tuning["trials"]})
    if best := best_so_far(tuning):
        axes.step(*zip(*best, strict=True), where="post", color=CORRECT, label="best so far")
    axes.set_xlabel("Trial")
    axes.xaxis.set_major_locator(whole_numbers())


def _draw_setting(axes: Axes, tuning: Mapping[str, Any], path: str) -> None:
    text = tuning["space"][path]
    settings = {trial["number"]: trial["settings"][path] for trial in tuning["trials"]}
    if ":" not in text:  # choices: numbers in ascending order, others in order of appearance
        choices = list(dict.fromkeys(settings.values()))
        numeric = all(isinstance(value, (int, float)) for value in choices)
        order = sorted(choices) if numeric else choices
        settings = {number: order.index(value) for number, value in settings.items()}
        names = short_names([str(value) for value in order])
        crowded = sum(len(name) for name in names) > MAX_CHARACTERS
        axes.set_xticks(range(len(order)), names)
        if crowded:
            slant_names(axes, 35 if len(names) <= MAX_SLANTED else 90)
        axes.set_xlim(-0.5, len(order) - 0.5)
    elif text.startswith("log:"):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=6))
        axes.xaxis.set_major_formatter(plain_numbers())
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif all(isinstance(value, int) for value in settings.values()):
        axes.xaxis.set_major_locator(whole_numbers())
    _scatter(axes, tuning, settings)
    axes.set_xlabel(short_name(path))


def _scatter(axes: Axes, tuning: Mapping[str, Any], positions: Mapping[int, float]) -> None:
    for state, face, edge, mark in (
        ("complete", TRAIN, TRAIN, "o"),
        ("pruned", "none", VALIDATION, "s"),
    ):
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
            axes.scatter(
                xs, ys, s=30, facecolors=face, edgecolors=edge, marker=mark, label=f"{state} trial"
            )
