"""`CountProgress`: how many of many things are done, on stderr: a bar with the time left on a
terminal, lines elsewhere.
"""

import sys
import time
from typing import Any

from dressform.cli.progress import Display, bars
from dressform.core.numbers import time_left


class CountProgress(Display):
    """Shows a count; called with what is done and the total.

    Args:
        what: what is done, such as ``classifying``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._live = sys.stderr.isatty()
        self._bars: Any = None
        self._bar: Any = None
        self._began = time.monotonic()
        self._before: int | None = None
        self._tenths = 0

    def __call__(self, done: int, total: int) -> None:
        """Show that so many are done; what is done at the first call took no time."""
        tenths = 10 * done // max(1, total)
        if self._before is None:
            self._before, self._began, self._tenths = done, time.monotonic(), tenths
        if self._live and done < total:
            self._show(done, total)
        elif tenths > self._tenths and not self._live:
            self._tenths = tenths
            self.say(f"{self._text(done, total)}{self._left(done, total, ', ')}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = self.console = None

    def _text(self, done: int, total: int) -> str:
        return f"{self._what}: {done:,} of {total:,}"

    def _left(self, done: int, total: int, separator: str = "") -> str:
        now = done - (self._before or 0)
        if not now or done == total:
            return ""
        return f"{separator}{time_left((time.monotonic() - self._began) / now * (total - done))}"

    def _show(self, done: int, total: int) -> None:
        if self._bars is None:
            self.console, self._bars = bars()
            self._bar = self._bars.add_task("", total=total, left="")
            self._bars.start()
        self._bars.update(
            self._bar,
            description=self._text(done, total),
            completed=done,
            left=self._left(done, total),
        )
