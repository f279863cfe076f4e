"""What is recorded after each epoch."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of results.csv.

    Attributes:
        epoch: counted from 1.
        lr: learning rate of the last step.
        train_loss: mean over the epoch's batches while the weights were changing, with label
            smoothing if any.
        train_accuracy: likewise, on augmented pictures, 0..1.
        val_loss: cross-entropy on the validation examples after the epoch, in the training's
            precision, where a run's own predictions are in float32; None without any.
        val_accuracy: 0..1; None without any.
        seconds: of the epoch, validation included.
        val_ece: expected calibration error on the validation examples, 0..1; None without any.
    """

    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    val_ece: float | None = None


COLUMNS = tuple(f.name for f in dataclasses.fields(Epoch))


class Observer(Protocol):
    """Told of a training's progress; changes nothing."""

    def looking(self, done: int, total: int) -> None:
        """Before training: a frozen front has seen ``done`` of ``total`` versions of pictures."""

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Training begins, or resumes after the epochs ``done``; ``steps`` has the number of steps
        of every epoch.
        """

    def step(self, step: int, loss: float) -> None:
        """A step is done, counted from 1 within its epoch."""

    def epoch(self, result: Epoch) -> None:
        """An epoch is done."""


class RunObserver(Observer, Protocol):
    """Told of what a whole command does, too."""

    def closing(self, examples: int, train: int) -> None:
        """Before training on ``train`` pictures: so many will be gone through after it."""

    def phase(self, name: str) -> None:
        """Something besides training begins, such as ``exporting to ONNX``."""


class Silent:
    """An observer that does nothing."""

    def closing(self, examples: int, train: int) -> None:
        """Nothing."""

    def phase(self, name: str) -> None:
        """Nothing."""

    def looking(self, done: int, total: int) -> None:
        """Nothing."""

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Nothing."""

    def step(self, step: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, result: Epoch) -> None:
        """Nothing."""
