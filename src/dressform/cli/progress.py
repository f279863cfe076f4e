"""Live progress of a command that trains on stderr: a bar with what is done and the time left on a
terminal, lines elsewhere.
"""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from dressform.cli.output import percent, say
from dressform.core.text import one_line
from dressform.training.history import Epoch

CLOSING_SECONDS = 11.0
"""Of export and figures, whatever the network: seconds on two cores (figures: docs/log.md)."""
PREDICTING = 0.6
"""What a picture's prediction takes, as a share of what it takes to learn from it once."""


class Progress:
    """An observer that prints. The time left is that of the whole command: what comes after
    training is estimated.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._bars: Any = None
        self._bar: Any = None
        self._steps: Sequence[int] = ()
        self._done = self._before = self._step = 0
        self._began = self._looked = time.monotonic()
        self._seen = 0
        self._after, self._train = 0, 1
        self._front = 0.0
        self._closed: float | None = None
        self._closing = CLOSING_SECONDS

    def say(self, text: str) -> None:
        """A line above the bar."""
        if self._bars is not None:
            self._bars.console.print(one_line(text), highlight=False, markup=False, soft_wrap=True)
        else:
            say(text)

    def phase(self, name: str) -> None:
        """Show what is done now."""
        if self._steps and self._closed is None:
            self._closed, self._closing = time.monotonic(), self._estimated()
        if self._live:
            self._show(name)
        elif self._steps:
            say(f"{name} …")

    def closing(self, examples: int, train: int) -> None:
        """Remember what is to be predicted."""
        self._after, self._train = examples, max(1, train)
        self._looked = time.monotonic()

    def looking(self, done: int, total: int) -> None:
        """Say every tenth of the way."""
        self._front = (time.monotonic() - self._looked) / max(1, done)
        share = 10 * done // total
        if share > self._seen:
            self._seen = share
            text = f"features of pictures: {done:,} of {total:,}"
            if self._live:
                self._show(text)
            else:
                say(text)

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Training begins."""
        self._steps, self._done, self._before = steps, len(done), sum(steps[: len(done)])
        self._step, self._began = self._before, time.monotonic()
        if done:
            self.say(f"resumed after epoch {len(done)} of {len(steps)}")
        if self._live:
            self._show("training")

    def step(self, step: int, loss: float) -> None:
        """Move the bar."""
        self._step = sum(self._steps[: self._done]) + step
        if self._live and not math.isnan(loss):
            self._show(f"epoch {self._done + 1}/{len(self._steps)}  loss {loss:.3f}")

    def epoch(self, result: Epoch) -> None:
        """Print the epoch's line."""
        self._done = result.epoch
        self._step = sum(self._steps[: self._done])
        validation = (
            ""
            if result.val_loss is None
            else f"  validation loss {result.val_loss:.4f} accuracy {percent(result.val_accuracy)}"
        )
        self.say(
            f"epoch {result.epoch:3d}/{len(self._steps)}  loss {result.train_loss:.4f} accuracy "
            f"{percent(result.train_accuracy)}"
            f"{validation}  {result.seconds:.1f} s, {clock(self.left())} left"
        )

    def left(self) -> float:
        """Seconds until the command ends, roughly."""
        if self._closed is not None:
            return max(1.0, self._closing - (time.monotonic() - self._closed))
        done = self._step - self._before
        if not done:
            return math.nan
        return (time.monotonic() - self._began) * (
            sum(self._steps) - self._step
        ) / done + self._estimated()

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _estimated(self) -> float:
        """Seconds for all that comes after training."""
        done = self._step - self._before
        learning = (
            (time.monotonic() - self._began) / done * self._steps[0] / self._train if done else 0.0
        )
        return CLOSING_SECONDS + self._after * max(self._front, PREDICTING * learning)

    def _show(self, text: str) -> None:
        if self._bars is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bars

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bars = Bars(*columns, console=Console(stderr=True), transient=True)
            self._bar = self._bars.add_task(text, total=None, left="")
            self._bars.start()
        left = self.left() if self._steps else math.nan
        passed = time.monotonic() - self._began
        known = (
            {}
            if math.isnan(left)
            else {"total": passed + left, "completed": passed, "left": f"{clock(left)} left"}
        )
        self._bars.update(self._bar, description=text, **known)


def clock(seconds: float) -> str:
    """``3:07``, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
