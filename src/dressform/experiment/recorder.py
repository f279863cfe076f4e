"""results.csv: a row per epoch, written as training goes on."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from dressform.core.files import write_text
from dressform.training.history import COLUMNS, Epoch, Observer


class Recorder:
    """An observer that writes results.csv after each epoch and passes everything on."""

    def __init__(self, path: Path, inner: Observer) -> None:
        self._path, self._inner = path, inner

    def looking(self, done: int, total: int) -> None:
        """Pass on."""
        self._inner.looking(done, total)

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Write what is known already."""
        write_text(self._path, _csv(done))  # anew: a killed run may have left half a row
        self._inner.started(done, steps)

    def step(self, step: int, loss: float) -> None:
        """Pass on."""
        self._inner.step(step, loss)

    def epoch(self, result: Epoch) -> None:
        """Add a row."""
        with self._path.open("a", newline="", encoding="utf-8") as file:
            file.write(_csv([result], header=False))
        self._inner.epoch(result)


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
