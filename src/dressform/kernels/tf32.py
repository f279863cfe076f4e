"""TF32: matrix products of float32 on a GPU's tensor cores, which read ten bits of the fraction."""

import contextlib
from collections.abc import Iterator

import torch

from dressform.kernels.switch import enabled


@contextlib.contextmanager
def tf32_products(device: torch.device) -> Iterator[None]:
    """Products inside the block are in TF32 on CUDA, in float32 elsewhere; their results are
    float32 tensors.
    """
    if device.type != "cuda" or not enabled("tf32"):
        yield
        return
    was = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(was)
