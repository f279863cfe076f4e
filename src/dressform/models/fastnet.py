"""FastNet, dressform's default: a small convolutional network laid out for what two processor cores
do well.

The shape follows K. Jordan's airbench94 (https://arxiv.org/abs/2404.00498): a frozen 2x2 filter
bank in front, groups of two convolutions with the pooling after the first, one linear layer on the
pooled features, scaled logits. The filter bank is the 2x2 Haar basis with fixed gains, which
whitens the patches well enough without having to look at the training images when the network is
built.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.config import require
from dressform.kernels.convolution import Conv3x3
from dressform.models.layers import pad_to

GAINS = (0.5, 2.0, 2.0, 4.0)
"""Of the Haar coefficients, which in Fashion-MNIST's standardised images have a s.d. of 1.9,
0.53, 0.42 and 0.20.
"""


class HaarStem(nn.Module):
    """2x2 Haar coefficients of each channel, scaled, positive and negative parts apart: [N, C, H,
    W] -> [N, 8C, H-1, W-1].
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        signs = torch.tensor(
            [[[1, 1], [1, 1]], [[1, -1], [1, -1]], [[1, 1], [-1, -1]], [[1, -1], [-1, 1]]]
        )
        basis = signs / 2 * torch.tensor(GAINS)[:, None, None]
        self.filters = nn.Conv2d(channels, 8 * channels, 2, groups=channels, bias=False)
        self.filters.weight.data = torch.cat([basis, -basis])[:, None].repeat(channels, 1, 1, 1)
        self.filters.weight.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """max(0, x) and max(0, -x) of the coefficients x."""
        return F.relu(self.filters(images), inplace=True)


class Group(nn.Module):
    """conv, max pool, batch norm, ReLU, conv, batch norm, ReLU."""

    def __init__(self, inputs: int, filters: int, momentum: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Conv3x3(inputs, filters),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(filters, momentum=momentum),
            nn.ReLU(inplace=True),
            Conv3x3(filters, filters),
            nn.BatchNorm2d(filters, momentum=momentum),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, H // 2, W // 2]."""
        out: Tensor = self.layers(features)
        return out


class GlobalMax(nn.Module):
    """Largest value of each channel: [N, C, H, W] -> [N, C]."""

    def forward(self, features: Tensor) -> Tensor:
        """Maximum over height and width."""
        return features.amax(dim=(2, 3))


class Scale(nn.Module):
    """Multiplication by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """``factor * x``."""
        return self.factor * x


@dataclass(frozen=True, kw_only=True)
class FastNet:
    """Haar stem, groups of two convolutions, global max pool, linear.

    Attributes:
        widths: filters of each group.
        logit_scale: factor on the logits.
        norm_momentum: share of the newest batch in batch norm's running statistics.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    logit_scale: float = 0.125
    norm_momentum: float = 0.2

    def __post_init__(self) -> None:
        require(
            bool(self.widths) and min(self.widths) > 0,
            "model.widths",
            self.widths,
            "one or more positive whole numbers",
        )
        require(self.logit_scale > 0, "model.logit_scale", self.logit_scale, "above 0")
        require(
            0 < self.norm_momentum <= 1, "model.norm_momentum", self.norm_momentum, "above 0, to 1"
        )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        padding, _ = pad_to(shape, 2 ** len(self.widths) + 1)
        layers = [*padding, HaarStem(shape[2])]
        channels = 8 * shape[2]
        for filters in self.widths:
            layers.append(Group(channels, filters, self.norm_momentum))
            channels = filters
        network = nn.Sequential(
            *layers, GlobalMax(), nn.Linear(channels, classes, bias=False), Scale(self.logit_scale)
        )
        for layer in network.modules():
            if isinstance(layer, Conv3x3):
                # Identity on as many channels as go in (airbench94), torch's default draw on the
                # others.
                nn.init.dirac_(layer.weight.data[: layer.in_channels])
        return network
