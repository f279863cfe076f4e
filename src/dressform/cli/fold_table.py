"""The live table of a cross-validation's folds on stderr: a table on a terminal, a line per
finished fold elsewhere.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

from dressform.cli.output import say
from dressform.cli.progress import Display
from dressform.core.numbers import duration, percent, time_left
from dressform.core.text import one_line
from dressform.training.callback import Fold


class FoldTable(Display):
    """Prints the folds of a cross-validation."""

    def __init__(self) -> None:
        self._live: Any = None
        self._states: dict[Fold, str] = {}
        self._epochs: dict[Fold, int] = {}
        self._done = self._all = self._left = 0
        self._doing = ""
        self._began = time.monotonic()

    def on_folds_begin(
        self, folds: Sequence[Fold], finished: int, workers: int, threads: int
    ) -> None:
        """Open the table."""
        self._states = dict.fromkeys(folds, "waiting")
        self._done, self._left, self._all = 0, len(folds), len(folds) + finished
        self._began = time.monotonic()
        before = f", {finished} finished before" if finished else ""
        if folds:
            processes = f"{workers} process{'es' if workers > 1 else ''}"
            say(
                f"{len(folds)} folds to train{before}; {processes} of {threads} "
                f"thread{'s' if threads > 1 else ''}"
            )
        if folds and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.console = Console(stderr=True)
            self._live = Live(
                self._table(), console=self.console, refresh_per_second=4, transient=True
            )
            self._live.start()

    def on_fold_begin(self, fold: Fold, done: int, epochs: int) -> None:
        """A fold begins."""
        self._epochs[fold] = epochs
        self._show(fold, f"epoch {done}/{epochs}")

    def on_fold_epoch_end(self, fold: Fold, epoch: int, val_accuracy: float | None) -> None:
        """A fold has finished an epoch."""
        self._show(fold, f"epoch {epoch}/{self._epochs[fold]}  {percent(val_accuracy)}")

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        """A fold is finished."""
        self._done += 1
        per_fold = (time.monotonic() - self._began) / self._done
        left = time_left(per_fold * (self._left - self._done))
        self._show(fold, f"{percent(accuracy)}  {duration(seconds)}")
        line = (
            f"{fold.recipe}  repeat {fold.repeat + 1} fold {fold.fold + 1}  {percent(accuracy)}  "
            f"{duration(seconds)}, {left}"
        )
        self.say(line)

    def on_phase_begin(self, name: str) -> None:
        """Say what is done now."""
        self._doing = f": {name}"
        if self._live is not None:
            self._live.update(self._table())
        elif self._states:
            say(f"{name} …")

    def close(self) -> None:
        """Take the table away."""
        if self._live is not None:
            self._live.stop()
            self._live = self.console = None

    def _show(self, fold: Fold, state: str) -> None:
        self._states[fold] = state
        if self._live is not None:
            self._live.update(self._table())

    def _table(self) -> Any:
        """A row per recipe and repeat, a column per fold; the repeats in hand and the next."""
        from rich.table import Table
        from rich.text import Text

        folds = sorted({job.fold for job in self._states})
        table = Table(
            title=f"{self._all - self._left + self._done} of {self._all} folds{self._doing}",
            title_justify="left",
        )
        table.add_column("recipe")
        table.add_column("repeat")
        for fold in folds:
            table.add_column(f"fold {fold + 1}")
        for recipe, repeat in sorted({(job.recipe, job.repeat) for job in self._states}):
            cells = {
                job.fold: state
                for job, state in self._states.items()
                if (job.recipe, job.repeat) == (recipe, repeat)
            }
            if any(state != "waiting" for state in cells.values()) or repeat == min(
                job.repeat for job in self._states
            ):
                name = Text(one_line(recipe))  # settings and paths are no markup
                row = (cells.get(fold, "finished") for fold in folds)
                table.add_row(name, str(repeat + 1), *row)
        return table
