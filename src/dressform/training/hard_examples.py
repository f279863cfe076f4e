"""Which examples an epoch learns from."""

import torch
from torch import Tensor

from dressform.training.recipe import HardExamples


def kept(config: HardExamples, examples: int, epoch: int) -> int:
    """How many of the examples an epoch, counted from 0, learns from."""
    return (
        examples
        if epoch < config.start
        else max(min(2, examples), round(config.fraction * examples))
    )


def choose(config: HardExamples, order: Tensor, losses: Tensor, epoch: int) -> Tensor:
    """The part of an epoch's order that it learns from.

    Args:
        config: how many and which.
        order: int64 [N], all examples, shuffled.
        losses: float32 [N], of each example when it was last seen.
        epoch: counted from 0.

    Returns:
        int64 [M], in the order given.
    """
    wanted = kept(config, len(order), epoch)
    if wanted == len(order):
        return order
    hard = wanted - round(config.random_fraction * wanted)
    chosen = torch.zeros(len(order), dtype=torch.bool, device=order.device)
    chosen[torch.argsort(losses, descending=True, stable=True)[:hard]] = True
    chosen[order[~chosen[order]][: wanted - hard]] = True
    return order[chosen[order]]
