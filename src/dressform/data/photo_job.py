"""Prepares photos for another process: ``python -m dressform.data.photo_job``, begun by
:mod:`dressform.data.photo_processes`.

It ends when the pipe to its stdin does, so however the other process ends.
"""

import os
import signal
import sys
from typing import BinaryIO

from PIL import Image

from dressform.core.frames import frame, read_frame
from dressform.data.photo import PhotoSettings, prepare


def serve(photos: BinaryIO, answers: BinaryIO) -> None:
    """Prepare photos until there are no more.

    Args:
        photos: a stream of frames with pixels, their mode and size, the target's shape and
            settings.
        answers: to which a frame with the prepared pixels and warnings is written for each.
    """
    while (photo := read_frame(photos)) is not None:
        facts, pixels = photo
        image = Image.frombytes(facts["mode"], tuple(facts["dimensions"]), pixels)
        settings = PhotoSettings(**facts["settings"])
        prepared = prepare(image, tuple(facts["shape"]), settings, keep_steps=False)
        answers.write(frame({"warnings": prepared.warnings}, [prepared.pixels.tobytes()]))
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the program, and that ends this
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.stdin.buffer, out)
