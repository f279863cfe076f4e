"""Montages of pictures: the first of a set, and test pictures with what the model called them."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dressform.data.dataset import Dataset
from dressform.predictions import Predictions
from dressform.report.figures.canvas import RIGHT, WRONG, new_figure, plain


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(
        image if image.shape[2] == 3 else image[..., 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="nearest",
    )
    plain(axes)


def draw_first_images(dataset: Dataset, title: str, count: int = 9) -> Figure:
    """The first pictures of a set with their classes; of a set sorted by class, pictures spread
    over it.
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
            axes.set_title(dataset.class_names[int(dataset.labels[chosen[i]])], fontsize=10)
        else:
            axes.set_visible(False)
    return figure


def montage_sample(predictions: Predictions, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Positions of ``count`` examples drawn at random without repetition, so that the share of red
    is honest.
    """
    random = np.random.default_rng(seed)
    return np.sort(
        random.choice(len(predictions), size=min(count, len(predictions)), replace=False)
    )


def draw_montage(
    dataset: Dataset, predictions: Predictions, title: str, *, columns: int = 8, rows: int = 5
) -> Figure:
    """Randomly drawn pictures with the predicted class, green where right and red where wrong (with
    the true class).

    Args:
        dataset: the pictures, in the order of ``predictions``.
        predictions: of the same examples.
        title: over all.
        columns: pictures in a row.
        rows: of pictures.
    """
    chosen = montage_sample(predictions, columns * rows)
    figure = new_figure(1.35 * columns, 1.62 * rows + 0.5)
    figure.suptitle(f"{title}\ngreen: right, red: wrong (true class below)")
    grid = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axes in grid[len(chosen) :]:
        axes.set_visible(False)
    for axes, i in zip(grid, chosen, strict=False):
        _show(axes, dataset.images[i])
        predicted, true = int(predictions.predicted[i]), int(predictions.labels[i])
        axes.set_title(
            predictions.class_names[predicted],
            color=RIGHT if predicted == true else WRONG,
            fontsize=9,
            pad=3,
        )
        if predicted != true:
            axes.set_xlabel(
                f"is {predictions.class_names[true]}", fontsize=8, labelpad=2, color="#444444"
            )
    return figure
