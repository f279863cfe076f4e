"""Live progress of a training on stderr: a bar with time left on a terminal, a line per epoch everywhere."""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from dressform.cli.output import percent, say
from dressform.training.history import Epoch


class Progress:
    """An observer that prints."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._bar: Any = None
        self._steps: Sequence[int] = ()
        self._done = self._before = 0
        self._began = 0.0
        self._seen = 0

    def looking(self, done: int, total: int) -> None:
        """Say every tenth of the way."""
        share = 10 * done // total
        if share > self._seen:
            self._seen = share
            say(f"features of pictures: {done:,} of {total:,}")

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Open the bar."""
        self._steps, self._done, self._before = steps, len(done), sum(steps[: len(done)])
        self._began = time.monotonic()
        if done:
            say(f"resumed after epoch {len(done)} of {len(steps)}")
        if self._live:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn())
            self._bars = Bars(*columns, console=Console(stderr=True), transient=True)
            self._bar = self._bars.add_task("training", total=sum(steps), completed=self._before)
            self._bars.start()

    def step(self, step: int, loss: float) -> None:
        """Move the bar."""
        if self._live:
            text = None if math.isnan(loss) else f"epoch {self._done + 1}/{len(self._steps)}  loss {loss:.3f}"
            self._bars.update(self._bar, completed=sum(self._steps[: self._done]) + step, description=text)

    def epoch(self, result: Epoch) -> None:
        """Print the epoch's line."""
        self._done = result.epoch
        done, total = sum(self._steps[: self._done]), sum(self._steps)
        left = (time.monotonic() - self._began) * (total - done) / (done - self._before)
        validation = (
            "" if result.val_loss is None else f"  validation loss {result.val_loss:.4f} accuracy {percent(result.val_accuracy)}"
        )
        line = (
            f"epoch {result.epoch:3d}/{len(self._steps)}  loss {result.train_loss:.4f} accuracy {percent(result.train_accuracy)}"
            f"{validation}  {result.seconds:.1f} s, {clock(left)} left"
        )
        if self._live:
            self._bars.console.print(line, highlight=False)
        else:
            say(line)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bars.stop()


def clock(seconds: float) -> str:
    """``3:07``, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
