"""MiniVGGNet, tutorial 0: a VGG in small (Simonyan & Zisserman 2014; after A. Rosebrock,
PyImageSearch).
"""

from dataclasses import dataclass

from torch import nn

from dressform.core.config import require
from dressform.kernels.dropout import Dropout
from dressform.kernels.linear import Linear
from dressform.models.initial import initialise
from dressform.models.layers import Flatten, pad_to


@dataclass(frozen=True, kw_only=True)
class MiniVGGNet:
    """Blocks of (conv 3x3 same, ReLU, batch norm) twice, max pool, dropout; then one dense layer.

    1,679,082 parameters for 28 x 28 x 1 and ten classes.

    Attributes:
        widths: filters of each block.
        dense: units of the dense layer.
        dropout: after each block.
        dense_dropout: after the dense layer.
    """

    widths: tuple[int, ...] = (32, 64)
    dense: int = 512
    dropout: float = 0.25
    dense_dropout: float = 0.5

    def __post_init__(self) -> None:
        require(
            bool(self.widths) and min(self.widths) > 0,
            "model.widths",
            self.widths,
            "one or more positive whole numbers",
        )
        require(self.dense > 0, "model.dense", self.dense, "a positive whole number")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 to below 1")
        require(
            0 <= self.dense_dropout < 1, "model.dense_dropout", self.dense_dropout, "0 to below 1"
        )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        layers, (height, width) = pad_to(shape, 2 ** len(self.widths))
        channels = shape[2]
        for filters in self.widths:
            for _ in range(2):
                layers += [
                    nn.Conv2d(channels, filters, 3, padding=1),
                    nn.ReLU(inplace=True),
                    _norm2d(filters),
                ]
                channels = filters
            layers += [nn.MaxPool2d(2), Dropout(self.dropout)]
            height, width = height // 2, width // 2
        layers += [Flatten(), Linear(channels * height * width, self.dense), nn.ReLU(inplace=True)]
        # Keras's batch norm: momentum 0.99 (torch counts the other way round) and epsilon 1e-3.
        layers += [nn.BatchNorm1d(self.dense, eps=1e-3, momentum=0.01), Dropout(self.dense_dropout)]
        layers += [Linear(self.dense, classes)]
        return initialise(nn.Sequential(*layers))


def _norm2d(filters: int) -> nn.Module:
    return nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
