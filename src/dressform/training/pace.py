"""`Pace`: which part of its schedule each step of a training stands for, and where the training
ends.
"""

import math
import time
from collections.abc import Sequence

from dressform.core.clock import Deadline

LOOK_EVERY = 0.5
"""Seconds between two looks at the clock."""
WINDOW = 5.0
"""Seconds of the last steps from which the time of the next ones is estimated."""
NARROW = 0.02
"""Fraction of the steps left that a new estimate has to add for a new plan: the clock's noise alone
adds none.
"""


class Pace:
    """The steps of a training as planned, or as many as there is time for.

    Without a deadline, or with one that is far enough, step n stands for step n of the schedule. If
    the time becomes short, the part of the schedule that is left is spread over the steps that
    there is time for, so the learning rate reaches its end with the training; if the machine
    becomes faster again, over more of them, up to those that were planned.

    Args:
        steps: planned, of each epoch.
        deadline: by when the last step and what follows each epoch have to be over.
        closing: what follows an epoch (validation, checkpoint), in steps, until it was measured.
    """

    def __init__(
        self, steps: Sequence[int], deadline: Deadline | None = None, *, closing: float = 0.0
    ) -> None:
        self.planned = self.end = sum(steps)
        self._per_epoch = max(steps, default=1)
        self._deadline, self._closing = deadline, closing
        self._start, self._position = 0, 0.0
        self._step_seconds: float | None = None
        self._closing_seconds: float | None = None
        self._marked = 0
        self._marked_at: float | None = None  # only within an epoch
        self._looked_at = 0.0
        self._epoch_end = 0

    @property
    def facts(self) -> list[float]:
        """What a checkpoint keeps."""
        return [self._start, self._position, self.end]

    def restore(self, facts: Sequence[float]) -> None:
        """Continue with what a checkpoint kept."""
        start, self._position, end = facts
        self._start, self.end = int(start), int(end)

    def position(self, number: int) -> float:
        """The step of the schedule, counted from 0, that a step stands for."""
        if self.end <= self._start:
            return self._position
        done = (number - self._start) / (self.end - self._start)
        if self._start == 0 and self.end == self.planned:
            return number  # without rounding
        return self._position + (self.planned - self._position) * done

    def over(self, number: int) -> bool:
        """Whether the training is over after that many steps."""
        return number >= self.end

    def begin_epoch(self, number: int, steps: int) -> None:
        """An epoch of so many steps begins after ``number`` steps."""
        self._marked, self._marked_at = number, time.monotonic()
        self._epoch_end = number + steps

    def end_epoch(self, seconds: float) -> None:
        """An epoch is over; ``seconds`` passed since its last step."""
        self._closing_seconds = max(seconds, self._closing_seconds or 0.0)
        self._marked_at = None

    def look(self, number: int) -> None:
        """Look at the clock after so many steps, and plan the rest anew if it says so.

        Raises:
            OutOfTimeError: a strict deadline has passed.
        """
        now = time.monotonic()
        if self._deadline is None or now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        if self._deadline.strict:
            self._deadline.check()
            return
        left = self._deadline.left()
        self._measure(number, now)
        if self._step_seconds is not None or left <= 0:
            self._plan(number, left, self._step_seconds or LOOK_EVERY)

    def _measure(self, number: int, now: float) -> None:
        if self._marked_at is None:  # what has passed since the last step was no step
            return
        steps, seconds = number - self._marked, now - self._marked_at
        if steps > 0:
            self._step_seconds = seconds / steps
        if seconds > WINDOW and steps > 0:
            self._marked, self._marked_at = number, now

    def _plan(self, number: int, left: float, step: float) -> None:
        closing = self._closing_seconds
        if closing is None:
            closing = self._closing * step
        affordable = self._affordable(number, left, step, closing)
        end = number + max(0, min(self.planned - number, affordable))
        narrow = end - self.end <= NARROW * (self.end - number)
        if end == self.end or (self.end < end < self.planned and narrow):
            return
        self._position, self._start = self.position(number), number
        self.end = end

    def _affordable(self, number: int, left: float, step: float, closing: float) -> int:
        """Steps that there is time for, with what follows each epoch."""
        begun = self._marked_at is not None
        rest = self._epoch_end - number if begun else 0
        roughly = (left - closing * begun) / (step + closing / self._per_epoch)
        epochs = max(0, math.ceil((roughly - rest) / self._per_epoch))
        return max(
            min(int((left - closing * (begun + more)) / step), rest + more * self._per_epoch)
            for more in (epochs, max(0, epochs - 1))
        )
