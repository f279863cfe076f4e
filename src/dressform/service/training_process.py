"""`TrainingProcess`: the process of one training, what it tells, and its end with all its children.

The process reads nothing; its stdin is a pipe that ends when the worker does, however it ends.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from dressform.service.database.tables import Document

STOPPING = 10.0
"""Seconds that a training has to end by itself before it is killed."""
LOG = "training.log"
MAX_LOG = 10 * 2**20
"""Bytes of the log of earlier attempts beyond which it is begun anew."""


def train_command(folder: Path) -> Sequence[str]:
    """What does the training of a folder."""
    return (sys.executable, "-m", "dressform.service.train_job", str(folder))


class TrainingProcess:
    """A training that runs; a context that ends it.

    Args:
        command: to be run.
        folder: of the job, in which its stderr is logged.

    Attributes:
        returncode: of the process, negative for a signal; None while it runs.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        log = folder / LOG
        long = log.exists() and log.stat().st_size > MAX_LOG
        with log.open("wb" if long else "ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C goes to the worker alone
            )
        self._facts: queue.SimpleQueue[Document | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def returncode(self) -> int | None:
        """Of the process; None while it runs."""
        return self._process.returncode

    def next(self, seconds: float) -> Document | None:
        """What it tells next, waited for; empty if it tells nothing; None at its end."""
        try:
            return self._facts.get(timeout=seconds)
        except queue.Empty:
            return {}

    def end(self) -> None:
        """End the process and its children, gently at first."""
        process = self._process
        if process.poll() is None:
            _signal(process, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOPPING)
        if sys.platform == "win32":
            process.kill()
        else:
            _signal(process, signal.SIGKILL)
        process.wait()
        self._listener.join()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()

    def reason(self) -> str:
        """Why it ended, where it said nothing itself."""
        code = self.returncode
        if code is None or code >= 0:
            return f"the training process ended with exit code {code}"
        return f"the training process was ended by {signal_of(code)}"

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = _facts(line)
            if facts:
                self._facts.put(facts)
        self._process.wait()
        self._facts.put(None)


def signal_of(code: int) -> str:
    """The signal that a process ended by, from its negative return code, and what may be behind
    it.
    """
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return name + ("; is there enough memory?" if name == "SIGKILL" else "")


def _facts(line: bytes) -> Document:
    """A line of a training process; empty if it is none of ours."""
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
