"""The device that a training runs on, and its random state."""

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch

from dressform.core.errors import ConfigError


def choose_device(name: Literal["auto", "cpu", "cuda"] | str = "auto") -> torch.device:
    """CUDA where there is one, else the processor.

    Raises:
        ConfigError: CUDA was asked for and is absent, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device is {name!r}; allowed: auto, cpu, cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError("device is 'cuda', but torch finds no CUDA GPU here; allowed: auto, cpu")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """torch's own random state is ``seed`` inside the block (dropout draws from it) and as before
    after it.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield


@contextlib.contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Make cuDNN choose repeatable algorithms inside the block, and compute float32 in float32; the
    processor does both anyway.
    """
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield
