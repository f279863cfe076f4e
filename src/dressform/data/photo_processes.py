"""`PhotoProcesses`: other processes that prepare photos.

Preparing a photo is thousands of operations on small arrays. Python starts one at a time, so
several threads of a process prepare no more photos a second than one.
"""

import os
import subprocess
import sys
import threading
from dataclasses import asdict

import numpy as np
from PIL import Image

from dressform.core.frames import frame, read_frame
from dressform.data.photo import PhotoSettings, PreparedImage, prepare

COMMAND = (sys.executable, "-P", "-m", "dressform.data.photo_job")
FIRST_PHOTOS = 16
"""Photos that are prepared in this process: as many take as long as the start of another."""
MOST_PIXELS = 4_000_000
"""Of an image that is handed to another process; a larger one would be in memory three times."""


class PhotoProcesses:
    """Prepares photos in processes of its own; a context manager, which ends them. Thread-safe.

    A process starts when a thread has a photo for it, after the first few. Where none can be
    started, or one ends before it has answered, the photo is prepared in this process.

    Args:
        most: number of processes; with 1 none is started, as this process does as well.

    Attributes:
        started: the processes, those that have ended included.
    """

    def __init__(self, most: int) -> None:
        self._most, self._photos = most if most > 1 else 0, 0
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self.started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "PhotoProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.started:
            process.kill()  # it holds nothing
            process.communicate()

    def prepare(
        self, image: Image.Image, shape: tuple[int, int, int], settings: PhotoSettings
    ) -> PreparedImage:
        """As :func:`dressform.data.photo.prepare`, without its steps."""
        process = self._take() if image.width * image.height <= MOST_PIXELS else None
        answer = None if process is None else _ask(process, image, shape, settings)
        if process is None or answer is None:
            return prepare(image, shape, settings, keep_steps=False)
        with self._lock:
            self._idle.append(process)
        return answer

    def _take(self) -> subprocess.Popen[bytes] | None:
        """A process that waits for a photo; None if this process is to prepare it."""
        with self._lock:
            self._photos += 1
            if self._idle:
                return self._idle.pop()
            if self._photos <= FIRST_PHOTOS or len(self.started) >= self._most:
                return None
            try:
                process = subprocess.Popen(
                    COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=os.environ | {"OMP_NUM_THREADS": "1"},
                )
            except OSError:
                self._most = 0
                return None
            self.started.append(process)
            return process


def _ask(
    process: subprocess.Popen[bytes],
    image: Image.Image,
    shape: tuple[int, int, int],
    settings: PhotoSettings,
) -> PreparedImage | None:
    """What a process answers; None if it has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    facts = {
        "mode": image.mode,
        "dimensions": image.size,
        "shape": shape,
        "settings": asdict(settings),
    }
    try:
        process.stdin.write(frame(facts, [image.tobytes()]))
        process.stdin.flush()
        answer = read_frame(process.stdout)  # type: ignore[arg-type]
    except OSError:
        return None
    if answer is None:
        return None
    told, content = answer
    pixels = np.frombuffer(content, np.uint8).reshape(shape)
    return PreparedImage(pixels, (), tuple(told["warnings"]))
