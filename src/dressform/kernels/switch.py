"""Which of the faster ways are on."""

import os

VARIABLE = "DRESSFORM_PLAIN"
KERNELS = {
    "allocator": "freed memory is kept for the next step, in large pages",
    "batch-norm-folding": "a frozen backbone's batch norms become part of its convolutions",
    "cuda-graphs": "the kernels of a step are recorded once and replayed",
    "depthwise": "the weight gradient of a 5 x 5 depthwise convolution, from four of 3 x 3",
    "dropout": "dropout's mask from 16 random bits per element",
    "float32-small-batches": "few rows stay in float32 under autocast",
    "flush-denormals": "numbers below 1e-38 become 0",
    "frozen-gc": "Python's garbage collector skips the objects that torch brings",
    "lean-optimizers": "a step without torch's hooks, one call for all parameters",
    "pinned-threads": "each of torch's threads stays on a core of its own",
    "pooled-convolution": "bias after pooling; one channel as a product of patches",
    "wide-convolution": "the weight gradient of small features from images side by side (AMX)",
}
"""Name and what is done, of every faster way."""


def _turned_off(value: str) -> frozenset[str]:
    if value in ("", "0"):
        return frozenset()
    return frozenset(KERNELS) if value == "1" else frozenset(value.split(","))


_OFF = _turned_off(os.environ.get(VARIABLE, ""))


def enabled(name: str) -> bool:
    """Whether the faster way of that name is on.

    ``DRESSFORM_PLAIN`` is read once, when dressform is imported: ``1`` turns all of them off,
    names separated by commas turn those off.
    """
    if name not in KERNELS:
        raise KeyError(name)
    return name not in _OFF


def unknown_names() -> list[str]:
    """Names in ``DRESSFORM_PLAIN`` that are no kernel's."""
    return sorted(_OFF - set(KERNELS))
