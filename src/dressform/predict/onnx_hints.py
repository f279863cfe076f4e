"""`hint_of`: whether a model of another program would do far better with other pixels or
classes.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.arguments import argument
from dressform.core.numbers import percent
from dressform.core.rng import generator
from dressform.data.dataset import Dataset
from dressform.evaluation.metrics import confusion_matrix
from dressform.evaluation.significance import mcnemar
from dressform.predict.scaling import SCALES, Scaling, common_scalings

MAX_SAMPLE = 256
MIN_GAIN = 0.1
"""Difference in accuracy that is worth a remark."""
MAX_P_VALUE = 0.001
SIMILAR = 0.02
"""Scalings whose accuracies differ by less are named together: the images do not tell which it
was.
"""

Predict = Callable[[NDArray[np.uint8], Scaling], NDArray[np.int64]]
"""The predicted classes of images, int64 [N]."""


@dataclass(frozen=True, eq=False)
class _Trial:
    scaling: Scaling
    predicted: NDArray[np.int64]
    correct: NDArray[np.bool_]


def hint_of(
    predict: Predict, dataset: Dataset, predicted: NDArray[np.int64], scaling: Scaling
) -> str | None:
    """A line for the user, if another scaling or order of classes would be right far more often.

    At most ``MAX_SAMPLE`` images are tried with each common scaling, and differences have to be
    large and beyond chance (McNemar, mid-p). An order of classes is fitted on one half of the
    images and tested on the other.

    Args:
        predict: the model.
        dataset: that it was evaluated on, with its class names in the order assumed.
        predicted: of these images with this scaling, int64 [N].
        scaling: that was used.
    """
    rows = generator(0, "sample").permutation(len(dataset))[:MAX_SAMPLE]
    sample, labels = dataset.images[rows], dataset.labels[rows]
    current = _Trial(scaling, predicted[rows], predicted[rows] == labels)
    trials = [current]
    published, own = common_scalings(sample)
    for other in (*published, own):
        if other != scaling:
            found = predict(sample, other)
            trials.append(_Trial(other, found, found == labels))
    better = [trial for trial in trials[1:] if _far_better(current.correct, trial.correct)]
    best = max(better, key=lambda trial: float(trial.correct.mean()), default=current)
    similar = [
        trial
        for trial in better
        if trial is not best and best.correct.mean() - trial.correct.mean() < SIMILAR
    ]
    if best.scaling is own and similar:  # a published one is the likelier
        best = similar.pop(0)
    order = _better_order(labels, best.predicted, len(dataset.class_names))
    if order is None and best is current:
        if len(dataset) > len(rows):  # more images tell more about the order
            order = _better_order(dataset.labels, predicted, len(dataset.class_names))
        for trial in trials[1:] if order is None else ():
            fitted = _better_order(labels, trial.predicted, len(dataset.class_names))
            if fitted is not None and _far_better(best.correct, fitted[trial.predicted] == labels):
                best, order, similar = trial, fitted, []
    if best is not current:  # perhaps only since nothing is right in a wrong order
        own_order = _better_order(labels, current.predicted, len(dataset.class_names))
        if own_order is not None and _correct(labels, current, own_order).mean() >= (
            _correct(labels, best, order).mean()
        ):
            best, order, similar = current, own_order, []
    if best is current and order is None:
        return None
    similar = [trial for trial in similar if trial.scaling is not own and order is None]
    return _sentence(dataset, labels, (current, best, *similar[:2]), order)


def _correct(
    labels: NDArray[np.int64], trial: _Trial, order: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """Which images of a trial are correct, with its classes in that order, or as they are."""
    return trial.correct if order is None else order[trial.predicted] == labels


def _far_better(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    """Whether the second is right far more often than the first, on the same images."""
    gain = float(second.mean() - first.mean())
    return gain >= MIN_GAIN and mcnemar(first, second).mid_p < MAX_P_VALUE


def _better_order(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64] | None:
    """The class that each output seems to stand for, int64 [K]; None if the present order is as
    good on images on which no other was fitted.
    """
    if len(np.unique(predicted)) < 2:  # always the same class: any order would fit the commonest
        return None
    half = np.arange(len(labels)) % 2 == 0
    fitted = _assignment(labels[half], predicted[half], classes)
    tested, outputs = labels[~half], predicted[~half]
    if not _far_better(outputs == tested, fitted[outputs] == tested):
        return None
    return _assignment(labels, predicted, classes)


def _assignment(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """The order of classes that makes most predictions right, int64 [K]; where several do, as few
    as possible move.
    """
    from scipy.optimize import linear_sum_assignment

    gains = confusion_matrix(labels, predicted, classes).T.astype(np.float64)
    gains[np.arange(classes), np.arange(classes)] += 0.5 / classes
    outputs, assigned = linear_sum_assignment(gains, maximize=True)
    order = np.empty(classes, np.int64)
    order[outputs] = assigned
    return order


def _sentence(
    dataset: Dataset,
    labels: NDArray[np.int64],
    trials: tuple[_Trial, ...],
    order: NDArray[np.int64] | None,
) -> str:
    """The hint.

    Args:
        dataset: that the model was evaluated on.
        labels: of the sample.
        trials: of the sample: the present scaling, a better one or the same, and others as good.
        order: of the classes, or None if it stays.
    """
    current, best, *similar = trials
    correct = _correct(labels, best, order)
    options, what = [], []
    if best is not current:
        options.append(best.scaling.options)
        pixels = SCALES[best.scaling.scale]
        what.append("pixels standardised" if best.scaling.mean else f"pixels from {pixels}")
    if order is not None:
        text = io.StringIO()
        csv.writer(text).writerow([dataset.class_names[k] for k in order])
        options.append(argument("classes", text.getvalue().strip()))
        what.append("classes in another order")
    others = "".join(
        f", or {trial.scaling.options} ({percent(float(trial.correct.mean()))})"
        for trial in similar
    )
    return (
        f"{percent(float(current.correct.mean()))} of {len(labels)} sampled images are correct, "
        f"but "
        f"{percent(float(correct.mean()))} would be with {' and '.join(what)}; if the model was "
        f"trained like that, give {', '.join(options)}{others}"
    )
