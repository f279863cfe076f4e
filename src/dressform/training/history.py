"""What is recorded after each epoch."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of results.csv.

    Attributes:
        epoch: counted from 1.
        lr: learning rate of the last step.
        train_loss: mean over the epoch's batches while the weights were changing, with label
            smoothing if any.
        train_accuracy: likewise, on augmented images, 0..1.
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
