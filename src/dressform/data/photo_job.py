"""Segments photos for another process: ``python -m dressform.data.photo_job``, begun by
:mod:`dressform.data.photo_processes`.

It ends when the pipe to its stdin does, so however the other process ends.
"""

import os
import sys
from typing import BinaryIO

import numpy as np

from dressform.core.frames import frame, read_frame
from dressform.data.foreground import segment_foreground


def serve(photos: BinaryIO, answers: BinaryIO) -> None:
    """Segment photos until there are no more.

    Args:
        photos: a stream of frames with the photo's height and width, and its pixels.
        answers: to which a frame is written for each, with the number of objects, the fraction of
            the border that they touch, and the mask.
    """
    while (photo := read_frame(photos)) is not None:
        facts, content = photo
        pixels = np.frombuffer(content, np.uint8).reshape(facts["height"], facts["width"], 3)
        found = segment_foreground(pixels)
        if found is None:
            answers.write(frame({"objects": 0}))
        else:
            told = {"objects": found.objects, "cut": found.cut}
            answers.write(frame(told, [found.mask.tobytes()]))
        answers.flush()


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.stdin.buffer, out)
