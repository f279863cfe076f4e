"""Time limits of calls that cannot be interrupted from their own thread."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dressform.core.errors import ResourceError


class Watchdog:
    """Ends calls that take too long, from one thread for all of them.

    A ``threading.Timer`` for each call takes longer than predicting one small image. The thread
    starts with the first call, sleeps until the first deadline it knows of, and ends when it then
    finds no call under way.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: dict[object, tuple[float, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None
        self._wakes = 0.0

    @contextmanager
    def limit(self, seconds: float, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end``, in the watchdog's thread, if the block takes longer.

        Args:
            seconds: time limit.
            end: makes the block stop; must not wait or raise.

        Raises:
            ResourceError: the process may not start another thread.
        """
        call, deadline = object(), time.monotonic() + seconds
        try:
            with self._changed:
                self._calls[call] = deadline, end
                if self._thread is None or not self._thread.is_alive():
                    self._wakes, self._thread = deadline, self._started()
                elif deadline < self._wakes:
                    self._changed.notify()
            yield
        finally:
            with self._changed:
                self._calls.pop(call, None)

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise ResourceError(
                f"no further thread can be started ({error}); end other programs, or raise the "
                f"limit of processes"
            ) from error
        return thread

    def _watch(self) -> None:
        with self._changed:
            while self._calls:
                now = time.monotonic()
                for call, (deadline, end) in list(self._calls.items()):
                    if deadline <= now:
                        del self._calls[call]
                        end()
                if self._calls:
                    self._wakes = min(deadline for deadline, _ in self._calls.values())
                    self._changed.wait(self._wakes - now)
            self._thread = None


WATCHDOG = Watchdog()
if hasattr(os, "register_at_fork"):  # a forked process has neither the thread nor the calls
    os.register_at_fork(after_in_child=WATCHDOG.__init__)  # type: ignore[misc]
