"""Live progress of a command that trains, on stderr: a bar with what is done and the time left on a
terminal, lines elsewhere.
"""

import functools
import math
import sys
import time
from collections.abc import Sequence
from typing import Any, Self

from dressform.cli.output import messages, say
from dressform.core.numbers import duration, percent, time_left
from dressform.core.text import one_line
from dressform.training.callback import Callback
from dressform.training.history import Epoch

CLOSING_SECONDS = 11.0
"""Of export and figures, whatever the network: seconds on two cores (figures: docs/log.md)."""
PREDICTING = 0.6
"""What an image's prediction takes, as a fraction of what it takes to learn from it once."""


MIN_BAR, MAX_BAR, TEXTS = 5, 40, 72
"""Columns of the bar, and of the texts beside it at their longest."""
COLOURS = (
    (r"accuracy [\d.]+ %", "cyan"),
    (r"validation loss [\d.]+ accuracy [\d.]+ %", "green"),
    (r"[\d:.]+ (s|min|h)( left)?", "dim"),
    (r"^note: ", "yellow"),
)
"""What stands out in a line, in which style."""


class Display(Callback):
    """A callback that shows something live, and the library's messages above it."""

    console: Any = None
    """Where lines go while something is live; None while nothing is."""

    def __enter__(self) -> Self:
        messages.show = self.say
        return self

    def __exit__(self, *error: object) -> None:
        messages.show = say
        self.close()

    def say(self, text: str) -> None:
        """A line above what is live."""
        if self.console is not None:
            self.console.print(coloured(one_line(text)), emoji=False, soft_wrap=True)
        else:
            say(text)

    def close(self) -> None:
        """Take away what is live."""


class Progress(Display):
    """Shows a training. The time left is that of the whole command: what comes after training is
    estimated.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._bars: Any = None
        self._bar: Any = None
        self._steps: Sequence[int] = ()
        self._done = self._before = self._step = self._end = 0
        self._began = self._features_began = self._epoch_began = time.monotonic()
        self._features_told = 0
        self._to_predict, self._train = 0, 1
        self._feature_seconds = 0.0
        self._trained_at: float | None = None
        self._closing = CLOSING_SECONDS

    def on_phase_begin(self, name: str) -> None:
        """Show what is done now."""
        if self._steps and self._trained_at is None:
            self._trained_at, self._closing = time.monotonic(), self._estimated()
        if self._live:
            self._show(name)
        elif self._steps:
            say(f"{name} …")

    def on_run_begin(self, train: int, validation: int, test: int) -> None:
        """Remember how many images will be predicted after training."""
        from dressform.predict.ood import MAX_REFERENCES

        self._to_predict = 2 * validation + test + min(MAX_REFERENCES, train)
        self._train = max(1, train)
        self._features_began = time.monotonic()

    def on_features(self, done: int, total: int) -> None:
        """Say every tenth of the way."""
        self._feature_seconds = (time.monotonic() - self._features_began) / max(1, done)
        tenths = 10 * done // total
        if tenths > self._features_told:
            self._features_told = tenths
            text = f"computing features: {done:,} of {total:,}"
            if self._live:
                self._show(text)
            else:
                say(text)

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Training begins."""
        done = len(history)
        resumed = done > self._done and sum(steps[:done]) > 0  # not where a teacher is at hand
        self._steps, self._done, self._before = steps, done, sum(steps[:done])
        self._end = sum(steps)
        self._step, self._began = self._before, time.monotonic()
        self._epoch_began = self._began
        if resumed:
            self.say(f"resumed after epoch {done} of {len(steps)}")
        if self._live:
            self._show("training")

    def on_steps_changed(self, steps: int) -> None:
        """The end is nearer or farther."""
        self._end = steps

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        """Move the bar."""
        self._step = sum(self._steps[: self._done]) + step
        if self._live and loss is not None:
            seconds = max(1e-9, time.monotonic() - self._epoch_began)
            self._show(
                f"epoch {self._done + 1}/{len(self._steps)}  loss {loss:.4f} accuracy "
                f"{percent(accuracy)}  {images / seconds:,.0f} images/s"
            )

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Print the epoch's line."""
        self._done, self._epoch_began = epoch.epoch, time.monotonic()
        self._step = sum(self._steps[: self._done])
        validation = ""
        if epoch.val_loss is not None:
            accuracy = percent(epoch.val_accuracy)
            validation = f"  validation loss {epoch.val_loss:.4f} accuracy {accuracy}"
        self.say(
            f"epoch {epoch.epoch:3d}/{len(self._steps)}  loss {epoch.train_loss:.4f} accuracy "
            f"{percent(epoch.train_accuracy)}{validation}  {duration(epoch.seconds)}, "
            f"{time_left(self.left())}"
        )

    def left(self) -> float:
        """Seconds until the command ends, roughly."""
        if self._trained_at is not None:
            return max(1.0, self._closing - (time.monotonic() - self._trained_at))
        done = self._step - self._before
        if not done:
            return math.nan
        per_step = (time.monotonic() - self._began) / done
        return per_step * max(0, self._end - self._step) + self._estimated()

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = self.console = None

    def _estimated(self) -> float:
        """Seconds for everything that comes after training."""
        done = self._step - self._before
        learning = 0.0
        if done:
            learning = (time.monotonic() - self._began) / done * max(self._steps) / self._train
        per_image = max(self._feature_seconds, PREDICTING * learning)
        return CLOSING_SECONDS + self._to_predict * per_image

    def _show(self, text: str) -> None:
        if self._bars is None:
            self.console, self._bars = bars()
            self._bar = self._bars.add_task(text, total=None, left="")
            self._bars.start()
        left = self.left() if self._steps else math.nan
        passed = time.monotonic() - self._began
        known: dict[str, Any] = {}
        if not math.isnan(left):
            known = {"total": passed + left, "completed": passed, "left": time_left(left)}
        self._bars.update(self._bar, description=text, **known)


def bars() -> tuple[Any, Any]:
    """A console on stderr, and a display there of text, a bar and the time left (``left``), which
    goes away when it is stopped.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    console = Console(stderr=True)  # without colours where NO_COLOR is set
    columns = (
        TextColumn(
            "{task.description}",
            markup=False,
            highlighter=_highlighter(),
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        ),
        BarColumn(bar_width=max(MIN_BAR, min(MAX_BAR, console.width - TEXTS))),
        TextColumn("{task.fields[left]}", style="dim", table_column=Column(no_wrap=True)),
    )
    return console, Progress(*columns, console=console, transient=True)


def coloured(line: str) -> Any:
    """A line with its accuracies and losses in colour."""
    from rich.text import Text

    return _highlighter()(Text(line))


@functools.cache
def _highlighter() -> Any:
    from rich.highlighter import Highlighter
    from rich.text import Text

    class Scores(Highlighter):
        def highlight(self, text: Text) -> None:
            for pattern, style in COLOURS:
                text.highlight_regex(pattern, style)

    return Scores()
