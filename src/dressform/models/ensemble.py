"""Ensembles: several networks of one kind, each with weights of its own, whose logits are averaged.

As in B. Lakshminarayanan et al. 2017, Simple and scalable predictive uncertainty estimation using
deep ensembles (https://arxiv.org/abs/1612.01474), but that all members see the same batches.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from dressform.core.config import require
from dressform.models.fastnet import FastNet


class Members(nn.Module):
    """Networks [N, C, H, W] -> [N, K] side by side. Each learns from its own loss: see
    :meth:`member_logits`.

    Args:
        members: the networks.
        mirror: in evaluation, each sees the images and their mirror images.
    """

    def __init__(self, members: list[nn.Module], *, mirror: bool = False) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.mirror = mirror

    def member_logits(self, images: Tensor) -> tuple[Tensor, ...]:
        """Logits [N, K] of each member."""
        return tuple(member(images) for member in self.members)

    def forward(self, images: Tensor) -> Tensor:
        """Mean of the logits, [N, K]."""
        member_logits = self.member_logits(images)
        if self.mirror and not self.training:
            member_logits += self.member_logits(images.flip(3))
        return torch.stack(member_logits).mean(0)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Several networks as one.

    Attributes:
        of: a network's config, FastNet's by default.
        members: how many.
        mirror: in prediction, each sees a image and its mirror image, which takes twice as long.
    """

    of: Any = field(default_factory=FastNet)
    members: int = 3
    mirror: bool = False

    def __post_init__(self) -> None:
        require(1 <= self.members <= 100, "model.members", self.members, "1 to 100")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]; each member draws its own weights."""
        return Members(
            [self.of.build(shape, classes) for _ in range(self.members)], mirror=self.mirror
        )
