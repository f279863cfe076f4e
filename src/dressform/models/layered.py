"""Networks written as a list of layers: CNN 1 and 2 of tutorial 2, the complex ones of tutorial 3,
conv3 and conv4 of 4.
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
class Conv:
    """A convolution 3x3 with ReLU."""

    filters: int
    padding: Literal["valid", "same"] = "valid"
    stride: int = 1
    initial: Scheme = "glorot-uniform"


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Max pooling."""

    size: int = 2


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Dropout."""

    rate: float


@dataclass(frozen=True, kw_only=True)
class Layered:
    """Convolutions, poolings and dropouts in the order given, then dense layers with ReLU, then the
    logits.

    Attributes:
        features: the layers before flattening.
        dense: units of a dense layer with ReLU, or a dropout.
    """

    features: tuple[Conv | Pool | Drop, ...]
    dense: tuple[int | Drop, ...] = ()

    def __post_init__(self) -> None:
        for layer in (*self.features, *self.dense):
            if isinstance(layer, Drop):
                require(0 <= layer.rate < 1, "dropout rate", layer.rate, "0 to below 1")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        layers, (height, width) = pad_to(shape, smallest_side(self._side_after))
        channels = shape[2]
        for before, layer, following in zip(
            (None, *self.features[:-1]), self.features, (*self.features[1:], None), strict=True
        ):
            if isinstance(layer, Conv):
                stride, padding = layer.stride, _padding(layer)
                if isinstance(following, Pool):
                    conv = PooledConv(
                        channels, layer.filters, pool=following.size, stride=stride, padding=padding
                    )
                    layers += pooled(initialise(conv, layer.initial))
                else:
                    plain = nn.Conv2d(channels, layer.filters, 3, stride=stride, padding=padding)
                    layers += [initialise(plain, layer.initial), nn.ReLU(inplace=True)]
                channels = layer.filters
            elif isinstance(layer, Pool) and not isinstance(before, Conv):
                layers.append(nn.MaxPool2d(layer.size))
            elif isinstance(layer, Drop):
                layers.append(Dropout(layer.rate))
        layers.append(Flatten())
        units = channels * self._side_after(height) * self._side_after(width)
        for part in self.dense:
            if isinstance(part, Drop):
                layers.append(Dropout(part.rate))
            else:
                layers += [initialise(Linear(units, part)), nn.ReLU(inplace=True)]
                units = part
        return nn.Sequential(*layers, initialise(Linear(units, classes)))

    def _side_after(self, side: int) -> int:
        for layer in self.features:
            if isinstance(layer, Conv):
                side = window(side, 3, layer.stride, _padding(layer))
            elif isinstance(layer, Pool):
                side //= layer.size
            if side < 1:
                return 0
        return side


def _padding(layer: Conv) -> int:
    return 1 if layer.padding == "same" else 0


CNN1 = Layered(
    features=(Conv(filters=32), Pool(), Conv(filters=64), Conv(filters=64), Pool(), Drop(rate=0.5))
)
"""Tutorial 2's CNN 1: 65,994 parameters for 28 x 28 x 1 and ten classes."""

CNN2 = Layered(
    features=(
        Conv(filters=32, padding="same", initial="he-normal"),
        Pool(),
        Drop(rate=0.2),
        Conv(filters=64, padding="same"),
        Pool(),
        Drop(rate=0.2),
        Conv(filters=128, padding="same"),
        Drop(rate=0.5),
    ),
    dense=(128,),
)
"""Tutorial 2's CNN 2: 896,906 parameters."""

COMPLEX1 = Layered(
    features=(Conv(filters=32), Pool(), Conv(filters=64, stride=2, padding="same"), Pool()),
    dense=(128, Drop(rate=0.25), 256, Drop(rate=0.25), 128),
)
"""Tutorial 3's first complex CNN: 159,882 parameters with one channel."""

COMPLEX2 = Layered(
    features=(
        Conv(filters=32, padding="same"),
        Conv(filters=32),
        Pool(),
        Conv(filters=64, padding="same"),
        Pool(),
    ),
    dense=(128, Drop(rate=0.25), 256, Drop(rate=0.25), 128),
)
"""In place of tutorial 3's second complex CNN, whose layers its text does not give (only a log).
The layers are ours: the head of the first and three convolutions, the log's "twice the cost" in
spirit.
"""

CONV3 = Layered(
    features=(Conv(filters=32), Pool(), Conv(filters=64), Pool(), Conv(filters=128)),
    dense=(128,),
)
"""Tutorial 4's conv3: 241,546 parameters."""

CONV4 = Layered(
    features=(
        Conv(filters=32),
        Conv(filters=32),
        Pool(),
        Conv(filters=64),
        Conv(filters=128),
        Pool(),
    ),
    dense=(512, 128),
)
"""Tutorial 4's conv4: 1,217,962 parameters, without the batch norm and dropout that the page's
listing lost.
"""
