"""`PhotoProcesses`: other processes that find the object on a photo.

That is thousands of operations on small arrays. Python starts one at a time, so several threads of
a process find no more objects a second than one.
"""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.frames import frame, read_frame
from dressform.data.foreground import Foreground, segment_foreground

logger = logging.getLogger(__name__)

MODULE = "dressform.data.photo_job"
FIRST_PHOTOS = 16
"""Photos that this process does itself: as many take as long as the start of another."""
BROKEN = (OSError, ValueError, KeyError)
"""What a process raises here that has ended, or that says something else than it should."""


class PhotoProcesses:
    """Segments photos in processes of its own; a context manager, which ends them. Thread-safe.

    A process starts when a thread has a photo for it, after the first few. Where none can be
    started, or one ends before it has answered, this process does the work.

    Args:
        most: number of processes; with 1 none is started, as this process does as well.

    Attributes:
        started: the processes, those that have ended included.
    """

    def __init__(self, most: int) -> None:
        starts = most > 1 and sys.executable and not getattr(sys, "frozen", False)
        self._most, self._photos = most if starts else 0, 0
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self.started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "PhotoProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._most, self._idle = 0, []
        for process in self.started:
            process.kill()  # it holds nothing
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):  # what it was told last cannot be flushed
                    pipe.close()

    def segment(self, pixels: NDArray[np.uint8]) -> Foreground | None:
        """As :func:`dressform.data.foreground.segment_foreground`."""
        process = self._take()
        if process is None:
            return segment_foreground(pixels)
        try:
            found = _ask(process, pixels)
        except BROKEN:
            self._give_up(process)
            return segment_foreground(pixels)
        with self._lock:
            self._idle.append(process)
        return found

    def _take(self) -> subprocess.Popen[bytes] | None:
        """A process that waits for a photo; None if this process is to do it."""
        with self._lock:
            self._photos += 1
            if self._idle and self._most:
                return self._idle.pop()
            if self._photos <= FIRST_PHOTOS or len(self.started) >= self._most:
                return None
            try:
                process = _start()
            except OSError as error:
                self._most = 0
                logger.warning(f"photos are prepared on one core ({error.strerror or error})")
                return None
            self.started.append(process)
            return process

    def _give_up(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        code = process.wait()
        if self._most:
            logger.warning(
                f"a process that prepares photos has ended (code {code}), so they take longer"
            )


def _start() -> subprocess.Popen[bytes]:
    # the same code as here, wherever this process has it from
    source = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C is for the program, which ends this one
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _ask(process: subprocess.Popen[bytes], pixels: NDArray[np.uint8]) -> Foreground | None:
    """What a process finds on a photo.

    Raises:
        OSError, ValueError, KeyError: it has ended, or is not the one that was meant.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    height, width = pixels.shape[:2]
    process.stdin.write(frame({"height": height, "width": width}, [pixels.tobytes()]))
    process.stdin.flush()
    answer = read_frame(process.stdout)
    if answer is None:
        raise BrokenPipeError
    facts, content = answer
    if facts["objects"] == 0:
        return None
    mask = np.frombuffer(content, np.bool_).reshape(height, width)
    return Foreground(mask, facts["objects"], facts["cut"])
