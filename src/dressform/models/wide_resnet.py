"""Wide residual networks (S. Zagoruyko and N. Komodakis 2016, https://arxiv.org/abs/1605.07146),
for small images.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.config import require
from dressform.kernels.convolution import Conv3x3
from dressform.models.transfer import GlobalMean


class Block(nn.Module):
    """Twice batch norm, ReLU and a 3 x 3 convolution, added to the input, or to a 1 x 1 convolution
    of it where shapes differ.
    """

    def __init__(self, inputs: int, filters: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = _conv3x3(inputs, filters, stride)
        self.norm2 = nn.BatchNorm2d(filters)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = _conv3x3(filters, filters, 1)
        same = inputs == filters and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, filters, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, ceil(H / stride), ceil(W / stride)]."""
        active = F.relu(self.norm1(features), inplace=True)
        out = self.dropout(F.relu(self.norm2(self.conv1(active)), inplace=True))
        kept = features if self.shortcut is None else self.shortcut(active)
        added: Tensor = kept + self.conv2(out)
        return added


def _conv3x3(inputs: int, filters: int, stride: int) -> nn.Module:
    return (
        Conv3x3(inputs, filters)
        if stride == 1
        else nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False)
    )


@dataclass(frozen=True, kw_only=True)
class WideResNet:
    """WRN-depth-width: three groups of pre-activation residual blocks, global average pooling,
    linear.

    Attributes:
        depth: layers, 6 n + 4 for n blocks a group.
        width: factor on the 16, 32 and 64 filters of the groups.
        dropout: rate between the convolutions of a block.
    """

    depth: int = 16
    width: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        allowed = self.depth >= 10 and (self.depth - 4) % 6 == 0
        require(allowed, "model.depth", self.depth, "6 n + 4, from 10: 10, 16, 22, 28, …")
        require(1 <= self.width <= 64, "model.width", self.width, "1 to 64")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 to below 1")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        channels = 16
        layers: list[nn.Module] = [_conv3x3(shape[2], channels, 1)]
        for group, filters in enumerate((16, 32, 64)):
            for block in range((self.depth - 4) // 6):
                stride = 2 if group and not block else 1
                layers.append(Block(channels, filters * self.width, stride, self.dropout))
                channels = filters * self.width
        head = [
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            GlobalMean(),
            nn.Linear(channels, classes),
        ]
        network = nn.Sequential(*layers, *head)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        return network
