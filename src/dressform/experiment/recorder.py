"""`Recorder`: results.csv, a row per epoch, written during training."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from dressform.core.clock import Deadline
from dressform.core.files import write_text
from dressform.training.callback import Callback
from dressform.training.history import COLUMNS, Epoch


class Recorder(Callback):
    """Writes results.csv after each epoch, and passes everything about the training on.

    Args:
        path: of results.csv.
        inner: the callback that everything is passed on to.
        deadline: of the training.
    """

    def __init__(self, path: Path, inner: Callback, deadline: Deadline | None = None) -> None:
        self._path, self._inner = path, inner
        self.deadline = deadline

    def on_features(self, done: int, total: int) -> None:
        """Pass on."""
        self._inner.on_features(done, total)

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Write the rows so far again: a killed run may have left half a row."""
        write_text(self._path, _csv(history))
        self._inner.deadline = self.deadline  # what it tells of the time that is left
        self._inner.on_train_begin(history, steps)
        self.stop_training = self._inner.stop_training

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        """Pass on."""
        self._inner.on_step(step, images, loss, accuracy)

    def on_steps_changed(self, steps: int) -> None:
        """Pass on."""
        self._inner.on_steps_changed(steps)

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Add a row."""
        with self._path.open("a", newline="", encoding="utf-8") as file:
            file.write(_csv([epoch], header=False))
        self._inner.on_epoch_end(epoch)
        self.stop_training = self._inner.stop_training

    def on_train_end(self) -> None:
        """Pass on."""
        self._inner.on_train_end()


def _csv(rows: Iterable[Epoch], *, header: bool = True) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    for row in rows:
        values = dataclasses.astuple(row)
        writer.writerow(
            ["" if v is None else f"{v:.6g}" if isinstance(v, float) else v for v in values]
        )
    return text.getvalue()
