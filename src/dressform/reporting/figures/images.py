"""Montages: the first images of a dataset, and evaluated images with their predictions."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.data.dataset import Dataset
from dressform.predictions import Predictions
from dressform.reporting.figures.canvas import CORRECT, WRONG, hide_axes, new_figure, short_name


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(
        image if image.shape[2] == 3 else image[..., 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="nearest",
    )
    hide_axes(axes)


def draw_first_images(dataset: Dataset, title: str, count: int = 9) -> Figure:
    """The first images of a dataset with their classes; images spread over it if the first are all
    of one class, because then it is sorted by class.
    """
    count = min(count, len(dataset))
    chosen = np.arange(count)
    if len(set(dataset.labels[:count].tolist())) == 1:
        chosen = np.linspace(0, len(dataset) - 1, count).astype(np.int64)
    columns = math.ceil(math.sqrt(count))
    figure = new_figure(6, 6.4)
    figure.suptitle(title)
    for i, axes in enumerate(np.ravel(figure.subplots(columns, columns, squeeze=False))):
        if i < count:
            _show(axes, dataset.images[chosen[i]])
            axes.set_title(
                short_name(dataset.class_names[int(dataset.labels[chosen[i]])]), fontsize=10
            )
        else:
            axes.set_visible(False)
    return figure


def montage_sample(predictions: Predictions, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Indices of ``count`` examples, drawn at random without replacement, so that a montage shows a
    representative fraction of errors.
    """
    random = np.random.default_rng(seed)
    return np.sort(
        random.choice(len(predictions), size=min(count, len(predictions)), replace=False)
    )


def draw_montage(
    dataset: Dataset, predictions: Predictions, title: str, *, columns: int = 8, rows: int = 5
) -> Figure:
    """A random sample of images with their predicted classes, green where correct and red where
    wrong (with the true class).

    Args:
        dataset: the images, in the order of ``predictions``.
        predictions: of the same examples.
        title: over all images.
        columns: images in a row.
        rows: of images.
    """
    chosen = montage_sample(predictions, columns * rows)
    figure = new_figure(1.35 * columns, 1.62 * rows + 0.5)
    figure.suptitle(f"{title}\ngreen: correct, red: wrong (true class below)")
    grid = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axes in grid[len(chosen) :]:
        axes.set_visible(False)
    for axes, i in zip(grid, chosen, strict=False):
        _show(axes, dataset.images[i])
        predicted, true = int(predictions.predicted[i]), int(predictions.labels[i])
        axes.set_title(
            short_name(predictions.class_names[predicted]),
            color=CORRECT if predicted == true else WRONG,
            fontsize=9,
            pad=3,
        )
        if predicted != true:
            axes.set_xlabel(
                f"true: {short_name(predictions.class_names[true])}",
                fontsize=8,
                labelpad=2,
                color="#444444",
            )
    return figure
