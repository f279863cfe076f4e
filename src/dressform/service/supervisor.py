"""`Supervisor`: the workers of a server, as processes that are begun again when they die.

A worker is told its settings by a line of JSON on stdin, where no list of processes shows a
password. The end of stdin is its sign to stop, so that none outlives the server, however that dies.
"""

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from dressform.service.settings import ServiceSettings

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "dressform.service.worker_process")
LOOK_EVERY = 0.2
FIRST_WAIT, MAX_WAIT = 1.0, 60.0
"""Seconds before a worker that died is begun again: after the first time, and at most."""
LASTING = 60.0
"""Seconds after which a worker counts as one that works."""
STOPPING = 20.0
"""Seconds that workers have to give their jobs back."""


@dataclass
class _Place:
    """Of one worker.

    Attributes:
        process: that runs, or None.
        begun: when.
        wait: seconds before the next one, if this one dies soon.
        next: when the next one begins.
    """

    process: "subprocess.Popen[bytes] | None" = None
    begun: float = 0.0
    wait: float = field(default_factory=lambda: FIRST_WAIT)
    next: float = 0.0


class Supervisor:
    """Keeps ``settings.workers`` workers running.

    Args:
        settings: of the service.
        command: what a worker is.
    """

    def __init__(self, settings: ServiceSettings, command: Sequence[str] = COMMAND) -> None:
        facts = asdict(settings) | {"storage": str(settings.storage.resolve())}
        self._told = (json.dumps(facts) + "\n").encode()
        self._command = command
        self._places = [_Place() for _ in range(settings.workers)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin all workers."""
        self._thread.start()

    def stop(self) -> None:
        """Have all workers give their jobs back and end; they are killed if they do not."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        processes = [place.process for place in self._places if place.process is not None]
        for process in processes:
            _close(process)
        limit = time.monotonic() + STOPPING
        for process in processes:
            try:
                process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning(f"worker {process.pid} does not stop and is killed")
                process.kill()
                process.wait()

    def pids(self) -> list[int]:
        """Of the workers that run."""
        return [
            place.process.pid
            for place in self._places
            if place.process is not None and place.process.poll() is None
        ]

    def _run(self) -> None:
        while not self._stopping.is_set():
            for place in self._places:
                self._keep(place)
            self._stopping.wait(LOOK_EVERY)

    def _keep(self, place: _Place) -> None:
        now = time.monotonic()
        process = place.process
        if process is not None:
            code = process.poll()
            if code is None:
                return
            _close(process)
            place.process = None
            place.wait = (
                FIRST_WAIT if now - place.begun > LASTING else min(MAX_WAIT, 2 * place.wait)
            )
            place.next = now + place.wait / 2
            logger.warning(
                f"worker {process.pid} ended with {code}; another one begins in "
                f"{place.wait / 2:g} s"
            )
        if now < place.next:
            return
        try:
            # In a session of its own: Ctrl-C stops the server, which stops the workers.
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            logger.error(f"no worker can be started: {error.strerror}")
            place.next = now + MAX_WAIT
            return
        place.process, place.begun = process, now
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # dead already, which the next look finds
            process.stdin.write(self._told)
            process.stdin.flush()


def _close(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
