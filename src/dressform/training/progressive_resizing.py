"""Images that grow during training."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.errors import ConfigError
from dressform.training.recipe import ProgressiveResizing

SMALLEST = 16
"""Sides are not made shorter than so many pixels; those that are, stay as they are."""


def size_at(config: ProgressiveResizing, size: tuple[int, int], done: float) -> tuple[int, int]:
    """Height and width of the images after a share of the steps: even numbers, then their own.

    Args:
        config: start and end.
        size: their own height and width.
        done: share of the training's steps, 0..1.
    """
    share = config.start + (1 - config.start) * min(1.0, done / config.until)
    height, width = (
        length if share >= 1 else min(length, max(SMALLEST, 2 * round(length * share / 2)))
        for length in size
    )
    return height, width


def resized(config: ProgressiveResizing, pixels: Tensor, done: float) -> Tensor:
    """Images [N, C, H, W] averaged down to what they are after a share of the steps;
    channels-last in memory.
    """
    if config.start == 1:
        return pixels
    size = size_at(config, (pixels.shape[2], pixels.shape[3]), done)
    if size == tuple(pixels.shape[2:]):
        return pixels
    return F.interpolate(pixels, size=size, mode="area").contiguous(
        memory_format=torch.channels_last
    )


@torch.no_grad()
def check_progressive_resizing(
    config: ProgressiveResizing, network: nn.Module, shape: tuple[int, int, int]
) -> None:
    """Tell before training that a network cannot take smaller images.

    Raises:
        ConfigError: it cannot.
    """
    height, width = size_at(config, shape[:2], 0.0)
    if (height, width) == shape[:2]:
        return
    device = next(network.parameters()).device
    was = network.training
    try:
        network.eval()(torch.zeros(2, shape[2], height, width, device=device))
    except RuntimeError as error:
        raise ConfigError(
            f"progressive_resizing.start is {config.start:g}, but the network does not accept "
            f"{height} x {width} "
            f"images"
            f" ({str(error).splitlines()[0]}); allowed: 1, or a network that takes any size"
        ) from error
    finally:
        network.train(was)
