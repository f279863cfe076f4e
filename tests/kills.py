"""Kill a command at a chosen moment, and prove that it was in the middle of its work."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

DEADLINE = 300.0
"""Seconds until the moment has to come, however slow the machine."""


def wait_until(reached: Callable[[], bool], *, deadline: float = DEADLINE) -> None:
    """Return as soon as ``reached``, and fail if that takes too long."""
    limit = time.monotonic() + deadline
    while not reached():
        assert time.monotonic() < limit, f"not reached within {deadline} s"
        time.sleep(0.005)


def kill_when(
    command: Sequence[str], reached: Callable[[], bool], *, deadline: float = DEADLINE
) -> None:
    """Start a command, wait until ``reached``, and send SIGKILL.

    Fails if the command ended by itself, before the moment or before the signal arrived.
    """
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:

        def alive_and_reached() -> bool:
            assert process.stderr is not None
            assert process.poll() is None, f"ended too early: {process.stderr.read()}"
            return reached()

        try:
            wait_until(alive_and_reached, deadline=deadline)
        finally:
            process.kill()
        status = process.wait()
    assert status == -signal.SIGKILL, f"had ended with {status} before the signal arrived"


def exists(folder: Path, name: str, *, times: int = 1) -> Callable[[], bool]:
    """Whether as many files of that name are somewhere in a folder."""
    return lambda: len(list(folder.rglob(name))) >= times


def has_rows(folder: Path, rows: int) -> Callable[[], bool]:
    """Whether the one results.csv in a folder has as many epochs."""

    def reached() -> bool:
        files = list(folder.rglob("results.csv"))
        return bool(files) and len(files[0].read_text().splitlines()) > rows

    return reached
