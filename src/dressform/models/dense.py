"""A multi-layer perceptron: tutorial 2's simple dense network."""

from dataclasses import dataclass

from torch import nn

from dressform.core.config import require
from dressform.kernels.dropout import Dropout
from dressform.kernels.linear import Linear
from dressform.models.initial import initialise


@dataclass(frozen=True, kw_only=True)
class Dense:
    """Dense layers with ReLU; 266,610 parameters for 28 x 28 x 1 and ten classes.

    Attributes:
        units: of each hidden layer.
        dropout: after each hidden layer.
    """

    units: tuple[int, ...] = (300, 100)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require(
            all(units > 0 for units in self.units),
            "model.units",
            self.units,
            "positive whole numbers",
        )
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 to below 1")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        height, width, channels = shape
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = height * width * channels
        for units in self.units:
            layers += [Linear(inputs, units), nn.ReLU(inplace=True)]
            if self.dropout:
                layers.append(Dropout(self.dropout))
            inputs = units
        return initialise(nn.Sequential(*layers, Linear(inputs, classes)))
