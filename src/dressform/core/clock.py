"""`Deadline`: a moment by which something has to be over; and how long this process has run."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dressform.core.errors import ConfigError, OutOfTimeError

_LOADED = time.monotonic()
LONGEST_START = 600.0
"""Seconds: a process cannot have taken longer to come here, so a system that says so is wrong."""


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A moment by which something has to be over.

    Attributes:
        at: on the clock of :func:`time.monotonic`, in seconds.
        strict: what is not over by then is given up (:meth:`check` raises); otherwise it is
            shortened.
        looked: called at each look at the clock.
    """

    at: float
    strict: bool = False
    looked: Callable[[], object] = lambda: None

    def left(self) -> float:
        """Seconds until then, negative afterwards."""
        self.looked()
        return self.at - time.monotonic()

    def check(self) -> None:
        """Look at the clock.

        Raises:
            OutOfTimeError: a strict deadline has passed.
        """
        if self.left() < 0 and self.strict:
            raise OutOfTimeError("the deadline has passed; allow more time")


def process_seconds() -> float:
    """Seconds since this process was started; where the system does not say so, since this module
    was loaded.
    """
    loaded = time.monotonic() - _LOADED
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, AttributeError, IndexError, UnicodeDecodeError):
        return loaded
    return seconds if loaded <= seconds <= loaded + LONGEST_START else loaded


def contention(seconds: float = 0.5) -> float:
    """How many times as long a thread takes here as it would alone: 1 on an idle machine, 2 where
    another program takes half of its core.

    Args:
        seconds: that the measurement takes; the thread does nothing else.
    """
    began, used = time.perf_counter(), time.thread_time()
    while (passed := time.perf_counter() - began) < seconds:
        pass
    return max(1.0, passed / max(1e-9, time.thread_time() - used))


def seconds_of(name: str, duration: float | str) -> float:
    """Seconds of a number of seconds, or of a text such as ``90s``, ``10m`` or ``1.5h``.

    Args:
        name: of the argument, for the message.
        duration: the number or the text.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(duration, (int, float)) and not isinstance(duration, bool):
        return float(duration)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", str(duration).strip())
    if match is None:
        raise ConfigError(
            f"{name} is {duration}; allowed: a number with s, m or h, such as 90s, 10m or 1h"
        )
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
