"""Which examples an epoch learns from."""

import torch
from torch import Tensor

from dressform.training.recipe import HardExamples


def count_examples(config: HardExamples, examples: int, epoch: int) -> int:
    """How many of the examples an epoch, counted from 0, learns from."""
    if epoch < config.start:
        return examples
    return max(min(2, examples), round(config.fraction * examples))


def select(config: HardExamples, order: Tensor, losses: Tensor, epoch: int) -> Tensor:
    """The part of an epoch's order that it learns from.

    Args:
        config: how many and which.
        order: int64 [N], all examples, shuffled.
        losses: float32 [N], of each example when it was last seen.
        epoch: counted from 0.

    Returns:
        int64 [M], in the same order.
    """
    count = count_examples(config, len(order), epoch)
    if count == len(order):
        return order
    hard = count - round(config.random_fraction * count)
    selected = torch.zeros(len(order), dtype=torch.bool, device=order.device)
    selected[torch.argsort(losses, descending=True, stable=True)[:hard]] = True
    selected[order[~selected[order]][: count - hard]] = True
    return order[selected[order]]
