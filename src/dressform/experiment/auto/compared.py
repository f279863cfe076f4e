"""`Compared`: what the comparison of a candidate found, and its progress."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.experiment.auto.candidate import Candidate
from dressform.predictions import Predictions
from dressform.training.callback import Callback, Fold


@dataclass(frozen=True)
class Compared:
    """A candidate's cross-validation.

    Attributes:
        description: of the candidate, for people.
        command: that trains it alone, except for ``--data``.
        epochs: of each fold's training.
        accuracies: of the folds, 0..1.
        mean: of the accuracies.
        seconds: that the cross-validation took.
        path: of its folder.
    """

    description: str
    command: str
    epochs: int
    accuracies: list[float]
    mean: float
    seconds: float
    path: str


@dataclass(frozen=True)
class Result:
    """A finished comparison.

    Attributes:
        candidate: that was compared.
        compared: what is told of it.
        epoch: seconds of an epoch on all training examples.
        predictions: out-of-fold.
        folds: int64 [N], of each of their examples.
    """

    candidate: Candidate
    compared: Compared
    epoch: float
    predictions: Predictions
    folds: NDArray[np.int64]

    def averaged_with(self, other: "Result") -> Compared:
        """What the mean of both models' logits would have found; no training is needed for it.

        Raises:
            ConfigError: they were compared on other examples.
        """
        one, two = self.predictions, other.predictions
        if one.ids.tolist() != two.ids.tolist() or self.folds.tolist() != other.folds.tolist():
            raise ConfigError("the candidates were compared on different examples; start over")
        right = (one.logits + two.logits).argmax(axis=1) == one.labels
        accuracies = [float(right[self.folds == fold].mean()) for fold in np.unique(self.folds)]
        pair = self.candidate.together(other.candidate)
        return Compared(
            description=f"{pair.description}, averaged",
            command=pair.command,
            epochs=self.compared.epochs + other.compared.epochs,
            accuracies=accuracies,
            mean=float(np.mean(accuracies)),
            seconds=round(self.compared.seconds + other.compared.seconds, 1),
            path=self.compared.path,
        )


class FoldProgress(Callback):
    """Passes on what a comparison's folds do, and nothing else.

    Args:
        inner: the callback of the whole call.
    """

    def __init__(self, inner: Callback) -> None:
        self._inner = inner

    def on_folds_begin(
        self, folds: Sequence[Fold], finished: int, workers: int, threads: int
    ) -> None:
        """Pass on."""
        self._inner.on_folds_begin(folds, finished, workers, threads)

    def on_fold_begin(self, fold: Fold, done: int, epochs: int) -> None:
        """Pass on."""
        self._inner.on_fold_begin(fold, done, epochs)

    def on_fold_epoch_end(self, fold: Fold, epoch: int, val_accuracy: float | None) -> None:
        """Pass on."""
        self._inner.on_fold_epoch_end(fold, epoch, val_accuracy)

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        """Pass on."""
        self._inner.on_fold_end(fold, accuracy, seconds)
