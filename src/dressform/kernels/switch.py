"""Which of the faster ways are on."""

import functools
import os

from dressform.core.errors import unknown_name

VARIABLE = "DRESSFORM_PLAIN"
KERNELS = {
    "allocator": "freed memory is kept for the next step, in large pages",
    "cuda-graphs": "the kernels of a step are recorded once and replayed",
    "depthwise": "weight gradients of depthwise 5 x 5 convolutions from those of 3 x 3 (bfloat16)",
    "dropout": "dropout's mask from 16 random bits per element",
    "float32-small-batches": "few rows stay in float32 under autocast",
    "flush-denormals": "numbers below 1e-38 become 0",
    "frozen-gc": "Python's garbage collector skips the objects that torch brings",
    "lean-optimizers": "a step without torch's hooks, one call for all parameters",
    "onnx-runtime": "frozen backbones in ONNX Runtime, four images per core at a time (float32)",
    "pinned-threads": "each of torch's threads stays on a core of its own",
    "pooled-convolution": "bias after pooling; one channel as a product of patches",
    "tf32": "Muon's matrix products on a GPU's tensor cores",
    "wide-convolution": "the weight gradient of small features from images side by side (AMX)",
}
"""Name and what is done, of every faster way."""


def enabled(name: str) -> bool:
    """Whether the faster way of that name is on.

    ``DRESSFORM_PLAIN`` is read once, when it is first asked for: ``1`` turns all of them off, names
    separated by commas turn those off.

    Raises:
        UnknownNameError: the variable names none.
        KeyError: ``name`` is none.
    """
    if name not in KERNELS:
        raise KeyError(name)
    return name not in turned_off()


@functools.cache
def turned_off() -> frozenset[str]:
    """The names that ``DRESSFORM_PLAIN`` turns off."""
    value = os.environ.get(VARIABLE, "")
    if value in ("", "0"):
        return frozenset()
    if value == "1":
        return frozenset(KERNELS)
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if name not in KERNELS:
            raise unknown_name(f"kernel in {VARIABLE}", name, KERNELS)
    return frozenset(names)
