"""Montages: the first images of a dataset, and evaluated images with their predictions."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from dressform.core.text import counted
from dressform.data.dataset import Dataset
from dressform.predictions import Predictions
from dressform.reporting.figures.canvas import (
    CORRECT,
    WRONG,
    fitted,
    new_figure,
    styled,
)
from dressform.reporting.figures.fonts import text_width

TILE, GAP = 1.25, 0.1
"""Width of a tile of a montage, and the gap between two, in inches."""
LINE, HEADING = 0.19, 0.4
"""Height of a line of text and of a heading, in inches."""
MIN_WIDTH = 6.0
"""Of a sheet, in inches."""


def _sheet(width: float, height: float, title: str, alt_text: str) -> tuple[Figure, Axes]:
    """A figure whose coordinates are inches from its upper left corner: laying out a panel for each
    image takes matplotlib many times as long.
    """
    figure = new_figure(width, height, alt_text)
    figure.set_layout_engine("none")
    figure.suptitle(title, y=1 - 0.1 / height, verticalalignment="top")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], autoscale_on=False)
    axes.set_axis_off()
    return figure, axes


def _tile_height(shape: tuple[int, ...], width: float) -> float:
    """Inches that an image takes that is at most that wide and twice as high."""
    return width * min(2.0, shape[0] / shape[1])


def _show(axes: Axes, image: NDArray[np.uint8], x: float, y: float, width: float) -> Rectangle:
    """Draw an image, in the middle of that width; return its outline."""
    rows, columns, channels = image.shape
    height = _tile_height(image.shape, width)
    own = height * columns / rows
    x += (width - own) / 2
    axes.imshow(
        image if channels == 3 else image[..., 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="nearest",
        aspect="auto",
        extent=(x, x + own, y + height, y),
    )
    return Rectangle((x, y), own, height, fill=False)


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
    width = (MIN_WIDTH - 0.2) / columns - 0.2
    labels = [dataset.class_names[int(dataset.labels[i])] for i in chosen]
    texts = [fitted(label, width, 10) for label in labels]
    above = _room(texts) + 0.05
    pitch = above + _tile_height(dataset.shape, width) + 0.1
    figure, axes = _sheet(
        MIN_WIDTH,
        HEADING + pitch * math.ceil(count / columns) + 0.1,
        title,
        f"{counted(count, 'image')} with their classes: {_listed(labels)}",
    )
    for index, (i, text) in enumerate(zip(chosen, texts, strict=True)):
        x = 0.2 + (width + 0.2) * (index % columns)
        y = HEADING + pitch * (index // columns) + above
        _show(axes, dataset.images[i], x, y, width)
        axes.text(x + width / 2, y - 0.04, text, ha="center", va="bottom", fontsize=10)
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
    labels = [[_labels(predictions, i) for i in chosen] for chosen, _, _ in halves]
    rooms = [[_room(texts) for texts in zip(*each, strict=True)] for each in labels]
    pitches = [
        above + _tile_height(dataset.shape, TILE) + below + 2 * GAP for above, below in rooms
    ]
    lengths = [math.ceil(len(chosen) / columns) for chosen, _, _ in halves]
    across = min(columns, max(len(chosen) for chosen, _, _ in halves))
    tiles = across * (TILE + GAP) - GAP
    width = max(MIN_WIDTH, tiles + 2 * GAP, text_width(title, 12) / 72 + 0.4)
    figure, axes = _sheet(
        width,
        HEADING * (1 + len(halves)) + float(np.dot(pitches, lengths)),
        title,
        f"A montage of {' and '.join(text for *_, text in halves)}, each image with its predicted "
        f"class.",
    )
    y = HEADING
    for (chosen, total, text), each, (above, _), pitch, length in zip(
        halves, labels, rooms, pitches, lengths, strict=True
    ):
        heading = text + (", drawn at random" if len(chosen) < total else "")
        axes.text(width / 2, y + 0.1, heading, ha="center", va="top", fontsize=11)
        for index, (i, texts) in enumerate(zip(chosen, each, strict=True)):
            x = (width - tiles) / 2 + (TILE + GAP) * (index % columns)
            top = y + HEADING + pitch * (index // columns) + above
            _draw_tile(axes, dataset.images[i], (x, top), *texts, correct[i])
        y += HEADING + pitch * length
    return figure


def _room(texts: Sequence[str]) -> float:
    """Inches that the texts above images, or below them, take."""
    return LINE * max(text.count("\n") + bool(text) for text in texts)


def _labels(predictions: Predictions, i: int) -> tuple[str, str]:
    """The texts above an image and below it."""
    predicted, true = int(predictions.predicted[i]), int(predictions.labels[i])
    names = predictions.class_names
    if predicted == true:
        return fitted(f"✓ {names[predicted]}", TILE, 9), ""
    return fitted(f"✗ {names[predicted]}", TILE, 9), fitted(f"true: {names[true]}", TILE, 9)


def _draw_tile(
    axes: Axes,
    image: NDArray[np.uint8],
    corner: tuple[float, float],
    title: str,
    below: str,
    correct: bool,
) -> None:
    """Draw an image in a coloured frame, its upper left corner at ``corner``, between two texts."""
    (x, y), colour = corner, CORRECT if correct else WRONG
    frame = _show(axes, image, x, y, TILE)
    frame.set(edgecolor=colour, linewidth=1 if correct else 3)
    axes.add_patch(frame)
    middle, bottom = x + TILE / 2, y + frame.get_height()
    axes.text(middle, y - 0.05, title, ha="center", va="bottom", fontsize=9, color=colour)
    if below:
        axes.text(middle, bottom + 0.06, below, ha="center", va="top", fontsize=9, color="#333333")
