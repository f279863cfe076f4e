"""Conv, pool, dense: tutorial 1's baseline and its variants, tutorial 3's first CNN, tutorial 4's
conv1.
"""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from dressform.core.config import require
from dressform.kernels.convolution import PooledConv, pooled
from dressform.kernels.dropout import Dropout
from dressform.kernels.linear import Linear
from dressform.models.initial import Scheme, initialise
from dressform.models.layers import Flatten, pad_to, smallest_side, window


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """``depth`` times (conv 3x3, ReLU, max pool), then dense layers with ReLU and dropout.

    Attributes:
        filters: of the first convolution; each further one has twice as many.
        padding: ``valid`` or ``same``.
        depth: number of convolutions, each with its pooling.
        dense: units of each dense layer.
        dropout: after each dense layer.
        initial: scheme of the initial weights of all but the last layer (which has Keras's
            default).
    """

    filters: int = 32
    padding: Literal["valid", "same"] = "valid"
    depth: int = 1
    dense: tuple[int, ...] = (100,)
    dropout: float = 0.0
    initial: Scheme = "he-uniform"

    def __post_init__(self) -> None:
        require(self.filters > 0, "model.filters", self.filters, "a positive whole number")
        require(1 <= self.depth <= 6, "model.depth", self.depth, "1 to 6")
        require(
            all(units > 0 for units in self.dense),
            "model.dense",
            self.dense,
            "positive whole numbers",
        )
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 to below 1")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        layers, (height, width) = pad_to(shape, smallest_side(self._side_after))
        channels = shape[2]
        for i in range(self.depth):
            filters = self.filters * 2**i
            layers += pooled(PooledConv(channels, filters, padding=self.padding))
            channels = filters
        layers.append(Flatten())
        units = channels * self._side_after(height) * self._side_after(width)
        for width_of_layer in self.dense:
            layers += [Linear(units, width_of_layer), nn.ReLU(inplace=True)]
            if self.dropout:
                layers.append(Dropout(self.dropout))
            units = width_of_layer
        body = initialise(nn.Sequential(*layers), self.initial)
        head = initialise(Linear(units, classes))
        return nn.Sequential(body, head)

    def _side_after(self, side: int) -> int:
        for _ in range(self.depth):
            side = window(side, 3, 1, 1 if self.padding == "same" else 0) // 2
        return side


BASELINE = Baseline()
"""Tutorial 1's baseline, 542,230 parameters for 28 x 28 x 1 and ten classes."""

BASELINE_SAME = Baseline(padding="same")
"""Tutorial 1, same padding: 628,630 parameters."""

BASELINE_SAME_64 = Baseline(padding="same", filters=64)
"""Tutorial 1, same padding and 64 filters: 1,256,150 parameters."""

FIRST_CNN = Baseline(dense=(128,), initial="glorot-uniform")
"""Tutorial 3's first CNN and tutorial 4's conv1: 693,962 parameters."""
