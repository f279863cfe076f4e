"""Pairs: two networks of different kinds, whose logits are averaged.

Networks of one kind err alike, so an ensemble of them gains little where examples are few; a small
network from scratch and a pretrained one do not (docs/log.md).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dressform.models.ensemble import Members
from dressform.models.network import Classifier, build_network


def paired(networks: list[Classifier]) -> Classifier:
    """Networks that are trained, as one: float [N, C, H, W] in [0, 1] -> mean of the logits
    [N, K].
    """
    channels = networks[0].mean.numel()
    return Classifier(Members(list(networks)), torch.zeros(channels), torch.ones(channels))


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two networks as one, each with its own scaling of the pixels.

    Attributes:
        of: their configs.
    """

    of: tuple[Any, ...]

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]; the weights to be loaded have the scalings."""
        zeros, ones = torch.zeros(shape[2]), torch.ones(shape[2])
        return Members([Classifier(build_network(m, shape, classes), zeros, ones) for m in self.of])
