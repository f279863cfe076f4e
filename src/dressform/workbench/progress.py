"""`following`: a callback that also shows how far a call from Python is."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from dressform.core.numbers import duration, percent, time_left
from dressform.core.text import counted
from dressform.runs.tuning import Trial, Tuning
from dressform.training.callback import Callback, Fold
from dressform.training.history import Epoch
from dressform.workbench.live_line import LiveLine, live_line


@contextlib.contextmanager
def following(callback: Callback | None, title: str, *, progress: bool) -> Iterator[Callback]:
    """The callback for a call: the user's, which also shows a live line where one can be seen.

    Args:
        callback: the user's.
        title: what is trained, in a few words.
        progress: whether there is a line.
    """
    inner = callback or Callback()
    line = live_line() if progress else None
    if line is None:
        yield inner
        return
    shown = Progress(inner, title, line)
    try:
        yield shown
    except BaseException:
        line.end("")
        raise
    line.end(shown.summary())


class Progress(Callback):
    """Shows a training, a cross-validation or a search in one line, and passes everything on.

    Args:
        inner: the user's callback, which may stop the training.
        title: what is trained.
        line: where it is shown.
    """

    def __init__(self, inner: Callback, title: str, line: LiveLine) -> None:
        self._inner, self._title, self._line = inner, title, line
        self.deadline = inner.deadline
        self._began = self._train_began = self._folds_began = time.monotonic()
        self._steps: Sequence[int] = ()
        self._epoch = self._before = self._end = 0
        self._val_accuracy: float | None = None
        self._loss = ""
        self._folds: dict[Fold, float] = {}
        self._epochs: dict[Fold, int] = {}
        self._finished, self._accuracies = 0, list[float]()
        self._trials, self._trial, self._best = 0, 0.0, ""

    def summary(self) -> str:
        """What is left behind when all is over; empty where nothing was done."""
        seconds = duration(time.monotonic() - self._began)
        parts = []
        if self._trials:
            parts = [counted(self._trials, "trial"), self._best]
        elif self._steps:
            accuracy = self._val_accuracy
            parts = [f"{self._epoch} of {len(self._steps)} epochs"]
            parts += [f"validation accuracy {percent(accuracy)}"] if accuracy is not None else []
        elif self._accuracies:
            mean = sum(self._accuracies) / len(self._accuracies)
            parts = [counted(len(self._accuracies), "fold"), f"mean accuracy {percent(mean)}"]
        return f"{self._title}: {', '.join([p for p in parts if p] + [seconds])}" if parts else ""

    # A whole command

    def on_phase_begin(self, name: str) -> None:
        """Something other than training begins."""
        self._inner.on_phase_begin(name)
        self._show(f"{name} …", None)

    # One training

    def on_run_begin(self, train: int, validation: int, test: int) -> None:
        """Pass on."""
        self._inner.on_run_begin(train, validation, test)

    def on_features(self, done: int, total: int) -> None:
        """Features of a frozen backbone are computed."""
        self._inner.on_features(done, total)
        self._show(f"computing features: {done:,} of {total:,}", done / max(1, total))

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Training begins, or continues."""
        self._inner.on_train_begin(history, steps)
        self.stop_training = self._inner.stop_training
        self._steps, self._epoch, self._end = steps, len(history), sum(steps)
        self._before, self._train_began = sum(steps[: len(history)]), time.monotonic()
        self._show("training", self._before / max(1, self._end))

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        """The bar moves."""
        self._inner.on_step(step, images, loss, accuracy)
        self._loss = self._loss if loss is None else f"  loss {loss:.3f}"
        done = sum(self._steps[: self._epoch]) + step
        per_step = (time.monotonic() - self._train_began) / max(1, done - self._before)
        validated = self._val_accuracy
        validation = f"  validation accuracy {percent(validated)}" if validated is not None else ""
        self._show(
            f"epoch {self._epoch + 1}/{len(self._steps)}{self._loss}{validation}  "
            f"{time_left(per_step * max(0, self._end - done))}",
            min(1.0, done / max(1, self._end)),
        )

    def on_steps_changed(self, steps: int) -> None:
        """The end is nearer or farther."""
        self._inner.on_steps_changed(steps)
        self._end = steps

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Remember what the epoch reached."""
        self._inner.on_epoch_end(epoch)
        self.stop_training = self._inner.stop_training
        self._epoch, self._val_accuracy = epoch.epoch, epoch.val_accuracy

    def on_train_end(self) -> None:
        """Pass on."""
        self._inner.on_train_end()

    # A cross-validation

    def on_folds_begin(
        self, folds: Sequence[Fold], finished: int, workers: int, threads: int
    ) -> None:
        """Folds are left to train."""
        self._inner.on_folds_begin(folds, finished, workers, threads)
        self._folds, self._finished = dict.fromkeys(folds, 0.0), finished
        self._folds_began, self._accuracies = time.monotonic(), []

    def on_fold_begin(self, fold: Fold, done: int, epochs: int) -> None:
        """A fold begins, or continues."""
        self._inner.on_fold_begin(fold, done, epochs)
        self._epochs[fold] = epochs
        self._move(fold, done / max(1, epochs))

    def on_fold_epoch_end(self, fold: Fold, epoch: int, val_accuracy: float | None) -> None:
        """A fold has finished an epoch."""
        self._inner.on_fold_epoch_end(fold, epoch, val_accuracy)
        self._move(fold, epoch / max(1, self._epochs.get(fold, 1)))

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        """A fold is finished."""
        self._inner.on_fold_end(fold, accuracy, seconds)
        self._accuracies.append(accuracy)
        self._move(fold, 1.0)

    # A search for settings

    def on_tuning_begin(self, tuning: Tuning, trials: int) -> None:
        """A search starts or continues."""
        self._inner.on_tuning_begin(tuning, trials)
        self._trials = trials
        self._tell_best(tuning.best)

    def on_trial_epoch_end(self, trial: int, epoch: int, epochs: int) -> None:
        """An epoch of a trial is done."""
        self._inner.on_trial_epoch_end(trial, epoch, epochs)
        self._trial = trial + epoch / max(1, epochs)
        self._show(
            f"trial {trial + 1}/{self._trials}  epoch {epoch}/{epochs}  {self._best}",
            min(1.0, self._trial / max(1, self._trials)),
        )

    def on_trial_end(self, trial: Trial, best: Trial | None, reason: str) -> None:
        """A trial is over."""
        self._inner.on_trial_end(trial, best, reason)
        self._tell_best(best)

    def _tell_best(self, best: Trial | None) -> None:
        if best is not None and best.value is not None:
            self._best = f"best {best.value:.4f} (trial {best.number + 1})"

    def _move(self, fold: Fold, fraction: float) -> None:
        self._folds[fold] = fraction
        done = sum(self._folds.values())
        passed = time.monotonic() - self._folds_began
        left = time_left(passed / done * (len(self._folds) - done)) if done else ""
        count = sum(1 for one in self._folds.values() if one == 1)
        total = len(self._folds) + self._finished
        mean = sum(self._accuracies) / max(1, len(self._accuracies))
        accuracy = f"  mean accuracy {percent(mean)}" if self._accuracies else ""
        self._show(
            f"{count + self._finished} of {total} folds{accuracy}  {left}",
            (done + self._finished) / max(1, total),
        )

    def _show(self, text: str, fraction: float | None) -> None:
        self._line.show(f"{self._title}  {text}", fraction)
