"""`Compared`: what the comparison of a candidate found."""

from dataclasses import dataclass

from dressform.core.errors import ConfigError
from dressform.experiment.auto.candidate import Candidate
from dressform.predictions import Predictions


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
    """

    candidate: Candidate
    compared: Compared
    epoch: float
    predictions: Predictions


def mean_accuracy(first: Predictions, second: Predictions) -> float:
    """Accuracy, 0..1, of the mean of two models' logits on the same examples.

    Raises:
        ConfigError: they are of other examples.
    """
    if first.ids.tolist() != second.ids.tolist():
        raise ConfigError("the candidates were compared on different examples; start over")
    return float(((first.logits + second.logits).argmax(axis=1) == first.labels).mean())
