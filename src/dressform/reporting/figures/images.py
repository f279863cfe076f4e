"""Montages: the first images of a dataset, and evaluated images with their predictions."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.core.text import counted
from dressform.data.dataset import Dataset
from dressform.predictions import Predictions
from dressform.reporting.figures.canvas import (
    CORRECT,
    WRONG,
    fitted,
    hide_axes,
    new_figure,
    styled,
)

TILE = 1.25
"""Inches of an image in a montage."""
LINE, HEADING = 0.19, 0.4
"""Inches of a line of text and of a heading."""


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(
        image if image.shape[2] == 3 else image[..., 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="nearest",
    )
    hide_axes(axes)


@styled
def draw_first_images(dataset: Dataset, title: str, count: int = 9) -> Figure:
    """The first images of a dataset with their classes; images spread over it if the first are all
    of one class, because then it is sorted by class.
    """
    count = min(count, len(dataset))
    chosen = np.arange(count)
    if len(set(dataset.labels[:count].tolist())) == 1:
        chosen = np.linspace(0, len(dataset) - 1, count).astype(np.int64)
    columns = math.ceil(math.sqrt(count))
    labels = [dataset.class_names[int(dataset.labels[i])] for i in chosen]
    figure = new_figure(6, 6.6, f"{counted(count, 'image')} with their classes: {_listed(labels)}")
    figure.suptitle(title)
    for i, axes in enumerate(np.ravel(figure.subplots(columns, columns, squeeze=False))):
        if i < count:
            _show(axes, dataset.images[chosen[i]])
            axes.set_title(fitted(labels[i], 5.6 / columns, 10), fontsize=10)
        else:
            axes.set_visible(False)
    return figure


def _listed(labels: list[str]) -> str:
    return ", ".join(labels) + "."


def montage_sample(
    predictions: Predictions, count: int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of errors and of correct predictions for a montage, both ascending.

    Half of ``count`` are errors and half correct; where there are fewer of one kind, more of the
    other. They are drawn at random without replacement.
    """
    random = np.random.default_rng(seed)
    correct = predictions.predicted == predictions.labels
    kinds = [np.flatnonzero(~correct), np.flatnonzero(correct)]
    half = count // 2
    sizes = [min(len(own), max(half, count - len(other))) for own, other in (kinds, kinds[::-1])]
    errors, right = (
        np.sort(random.choice(kind, size=size, replace=False))
        for kind, size in zip(kinds, sizes, strict=True)
    )
    return errors, right


@styled
def draw_montage(
    dataset: Dataset, predictions: Predictions, title: str, *, columns: int = 8, rows: int = 6
) -> Figure:
    """Images with their predicted classes: errors above (✗, with the true class), correct ones
    below (✓), half of each, drawn at random.

    Args:
        dataset: the images, in the order of ``predictions``.
        predictions: of the same examples.
        title: over all images.
        columns: images in a row.
        rows: of images, half of them for each kind.
    """
    correct = predictions.predicted == predictions.labels
    totals = (int((~correct).sum()), int(correct.sum()))
    halves = [
        (chosen, total, f"{len(chosen):,} of {total:,} {kind}")
        for chosen, total, kind in zip(
            montage_sample(predictions, columns * rows),
            totals,
            ("errors", "correct predictions"),
            strict=True,
        )
        if len(chosen)
    ]
    tall = TILE * min(2.0, max(0.5, dataset.shape[0] / dataset.shape[1]))
    labels = [[_labels(predictions, i) for i in chosen] for chosen, _, _ in halves]
    heights = [
        HEADING
        + math.ceil(len(each) / columns)
        * (tall + LINE * (1 + max(title.count("\n") + below.count("\n") for title, below in each)))
        for each in labels
    ]
    figure = new_figure(
        columns * (TILE + 0.1),
        sum(heights) + HEADING,
        f"A montage of {' and '.join(text for *_, text in halves)}, each image with its predicted "
        f"class.",
    )
    figure.suptitle(title)
    parts = np.ravel(figure.subfigures(len(halves), 1, height_ratios=heights, squeeze=False))
    for part, (chosen, total, text), each in zip(parts, halves, labels, strict=True):
        part.suptitle(text + (", drawn at random" if len(chosen) < total else ""), fontsize=11)
        grid = np.ravel(part.subplots(math.ceil(len(chosen) / columns), columns, squeeze=False))
        for axes in grid[len(chosen) :]:
            axes.set_visible(False)
        for axes, i, texts in zip(grid, chosen, each, strict=False):
            _draw_tile(axes, dataset.images[i], *texts, correct=bool(correct[i]))
    return figure


def _labels(predictions: Predictions, i: int) -> tuple[str, str]:
    """What stands above an image and below it."""
    predicted, true = int(predictions.predicted[i]), int(predictions.labels[i])
    names = predictions.class_names
    if predicted == true:
        return fitted(f"✓ {names[predicted]}", TILE, 9), ""
    return fitted(f"✗ {names[predicted]}", TILE, 9), fitted(f"true: {names[true]}", TILE, 9) + "\n"


def _draw_tile(
    axes: Axes, image: NDArray[np.uint8], title: str, below: str, *, correct: bool
) -> None:
    _show(axes, image)
    colour = CORRECT if correct else WRONG
    for side in axes.spines.values():
        side.set(visible=True, color=colour, linewidth=1 if correct else 3)
    axes.set_title(title, color=colour, fontsize=9, pad=3 if correct else 5)
    axes.set_xlabel(below.rstrip("\n"), fontsize=9, labelpad=3, color="#333333")
