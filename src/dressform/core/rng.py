"""One seed, many named streams.

Every random choice belongs to a named stream, and a stream's numbers depend on the seed, its name
and a few counters (epoch, fold) and on nothing else. So nothing has to be saved to resume a run:
epoch 7 draws the same numbers whether epochs 0-6 ran in this process or in one that was killed.
"""

import hashlib

import numpy as np


def stream_seed(seed: int, *path: str | int) -> int:
    """Derive a 63-bit seed from ``seed`` and the name of a stream.

    Args:
        seed: the run's seed.
        path: the stream's name and counters, such as ``"batches", epoch``.
    """
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A NumPy generator for the stream ``path`` of ``seed``."""
    return np.random.Generator(np.random.PCG64(stream_seed(seed, *path)))
