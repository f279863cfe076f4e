"""`Callback`: the base class of everything that follows a training or a command around it."""

from collections.abc import Sequence
from dataclasses import dataclass

from dressform.core.clock import Deadline
from dressform.runs.tuning import Trial, Tuning
from dressform.training.history import Epoch


@dataclass(frozen=True)
class Fold:
    """One fold of one recipe's cross-validation, counted from 0."""

    recipe: str
    repeat: int
    fold: int


class Callback:
    """Every method is empty: override those that you need.

    The methods of a training have Keras's names. A callback changes nothing, except that setting
    ``self.stop_training = True`` ends the training after the current epoch: the weights so far are
    kept as if it had been the last one. What is still to be trained then, a network after its
    teacher or one beside another, is trained for one epoch.

    Attributes:
        stop_training: ends the training after the current epoch.
        deadline: by when the training has to be over; None as long as it takes. The schedule is
            then fitted to the time that is left, or the training given up where it is strict.
    """

    stop_training: bool = False
    deadline: Deadline | None = None

    # A whole command

    def on_phase_begin(self, name: str) -> None:
        """Something other than training begins, such as ``exporting to ONNX``."""

    # One training

    def on_run_begin(self, train: int, validation: int, test: int) -> None:
        """Before everything else: the number of examples in each split."""

    def on_features(self, done: int, total: int) -> None:
        """Before training: the frozen backbone has computed ``done`` of ``total`` feature rows."""

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Training begins, or resumes after the epochs of ``history``; ``steps`` has the number of
        steps of every epoch.
        """

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        """A step is done, counted from 1 within its epoch, after ``images`` of its training images;
        ``loss`` and ``accuracy`` (0..1) are the epoch's means so far, or None at steps where they
        were not computed.
        """

    def on_steps_changed(self, steps: int) -> None:
        """The deadline has changed the number of steps of the whole training."""

    def on_epoch_end(self, epoch: Epoch) -> None:
        """An epoch is done, validation included."""

    def on_train_end(self) -> None:
        """The last epoch is done."""

    # A cross-validation, whose folds may be trained in other processes

    def on_folds_begin(
        self, folds: Sequence[Fold], finished: int, workers: int, threads: int
    ) -> None:
        """``folds`` are left to train, ``finished`` are done, ``workers`` processes of ``threads``
        threads each share them.
        """

    def on_fold_begin(self, fold: Fold, done: int, epochs: int) -> None:
        """A fold begins, or continues after ``done`` of its ``epochs``."""

    def on_fold_epoch_end(self, fold: Fold, epoch: int, val_accuracy: float | None) -> None:
        """A fold has finished an epoch, counted from 1."""

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        """A fold is finished."""

    # A search for settings

    def on_tuning_begin(self, tuning: Tuning, trials: int) -> None:
        """A search starts or continues, towards ``trials`` trials in all."""

    def on_trial_epoch_end(self, trial: int, epoch: int, epochs: int) -> None:
        """An epoch of a trial is done, counted from 1."""

    def on_trial_end(self, trial: Trial, best: Trial | None, reason: str) -> None:
        """A trial is over; ``reason`` says why it failed, if it did."""
