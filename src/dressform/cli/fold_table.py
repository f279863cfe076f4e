"""The live table of a cross-validation's folds on stderr: a table on a terminal, a line per
finished fold elsewhere.
"""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dressform.cli.output import percent, say
from dressform.cli.progress import clock

if TYPE_CHECKING:
    from dressform.experiment.crossval import FoldJob


class FoldTable:
    """An observer of cross-validations that prints."""

    def __init__(self) -> None:
        self._live: Any = None
        self._states: dict[FoldJob, str] = {}
        self._epochs: dict[FoldJob, int] = {}
        self._done = self._all = self._left = 0
        self._doing = ""
        self._began = time.monotonic()

    def planned(self, jobs: "Sequence[FoldJob]", finished: int, workers: int, threads: int) -> None:
        """Open the table."""
        self._states = dict.fromkeys(jobs, "waiting")
        self._done, self._left, self._all = 0, len(jobs), len(jobs) + finished
        self._began = time.monotonic()
        before = f", {finished} finished before" if finished else ""
        if jobs:
            processes = f"{workers} process{'es' if workers > 1 else ''}"
            say(
                f"{len(jobs)} folds to train{before}; {processes} of {threads} "
                f"thread{'s' if threads > 1 else ''}"
            )
        if jobs and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                self._table(), console=Console(stderr=True), refresh_per_second=4, transient=True
            )
            self._live.start()

    def started(self, job: "FoldJob", done: int, epochs: int) -> None:
        """A fold begins."""
        self._epochs[job] = epochs
        self._show(job, f"epoch {done}/{epochs}")

    def epoch(self, job: "FoldJob", epoch: int, val_accuracy: float | None) -> None:
        """A fold has finished an epoch."""
        self._show(job, f"epoch {epoch}/{self._epochs[job]}  {percent(val_accuracy)}")

    def finished(self, job: "FoldJob", accuracy: float, seconds: float) -> None:
        """A fold is finished."""
        self._done += 1
        per_fold = (time.monotonic() - self._began) / self._done
        left = clock(per_fold * (self._left - self._done))
        self._show(job, f"{percent(accuracy)}  {seconds:.0f} s")
        line = (
            f"{job.recipe}  repeat {job.repeat} fold {job.fold}  {percent(accuracy)}  "
            f"{seconds:.0f} s, {left} left"
        )
        if self._live is not None:
            self._live.console.print(line, highlight=False)
        else:
            say(line)

    def phase(self, name: str) -> None:
        """Say what is done now."""
        self._doing = f": {name}"
        if self._live is not None:
            self._live.update(self._table())
        else:
            say(f"{name} …")

    def close(self) -> None:
        """Take the table away."""
        if self._live is not None:
            self._live.stop()

    def _show(self, job: "FoldJob", state: str) -> None:
        self._states[job] = state
        if self._live is not None:
            self._live.update(self._table())

    def _table(self) -> Any:
        """A row per recipe and repeat, a column per fold; the repeats in hand and the next."""
        from rich.table import Table

        folds = sorted({job.fold for job in self._states})
        table = Table(
            title=f"{self._all - self._left + self._done} of {self._all} folds{self._doing}",
            title_justify="left",
        )
        table.add_column("recipe")
        table.add_column("repeat")
        for fold in folds:
            table.add_column(f"fold {fold}")
        for recipe, repeat in sorted({(job.recipe, job.repeat) for job in self._states}):
            cells = {
                job.fold: state
                for job, state in self._states.items()
                if (job.recipe, job.repeat) == (recipe, repeat)
            }
            if any(state != "waiting" for state in cells.values()) or repeat == min(
                job.repeat for job in self._states
            ):
                table.add_row(recipe, str(repeat), *(cells.get(fold, "finished") for fold in folds))
        return table
