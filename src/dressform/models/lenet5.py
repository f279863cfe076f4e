"""LeNet-5 (LeCun et al. 1998) as tutorial 2 has it: tanh with a radial-basis output, and ReLU with
softmax.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from dressform.core.config import require
from dressform.models.initial import initialise
from dressform.models.layers import Flatten, pad_to


class RadialBasis(nn.Module):
    """Output layer whose activation for class k is exp(-gamma * |x - centre_k|^2).

    It returns the logarithm of that, -gamma * |x - centre_k|^2. Cross-entropy on these logits
    equals the tutorial's loss: Keras's sparse categorical cross-entropy takes the logarithm of the
    activations and normalises it.

    Args:
        inputs: features.
        classes: centres.
        gamma: fixed inverse width.
    """

    def __init__(self, inputs: int, classes: int, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma
        # Keras's "uniform"
        self.centres = nn.Parameter(torch.empty(classes, inputs).uniform_(-0.05, 0.05))

    def forward(self, features: Tensor) -> Tensor:
        """Logits [N, K] for features [N, inputs], always in float32: squares of differences need
        the digits.
        """
        with torch.autocast(features.device.type, enabled=False):
            x = features.float()
            squares = (
                (x * x).sum(1, keepdim=True)
                - 2 * x @ self.centres.T
                + (self.centres * self.centres).sum(1)
            )
            return -self.gamma * squares


@dataclass(frozen=True, kw_only=True)
class LeNet5:
    """conv 6 5x5 same, average pool, conv 16 5x5 same, average pool, conv 120 5x5 valid, dense 84,
    output.

    Attributes:
        activation: after every layer but the last.
        output: ``rbf`` (:class:`RadialBasis`) or ``dense``.
        gamma: of the radial basis.
    """

    activation: Literal["tanh", "relu"] = "tanh"
    output: Literal["rbf", "dense"] = "rbf"
    gamma: float = 0.5

    def __post_init__(self) -> None:
        require(self.gamma > 0, "model.gamma", self.gamma, "above 0")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W]."""
        layers, (height, width) = pad_to(shape, 20)
        channels = shape[2]
        for filters in (6, 16):
            layers += [
                nn.Conv2d(channels, filters, 5, padding=2),
                self._activation(),
                nn.AvgPool2d(2),
            ]
            channels = filters
            height, width = height // 2, width // 2
        layers += [nn.Conv2d(channels, 120, 5), self._activation(), Flatten()]
        layers += [nn.Linear(120 * (height - 4) * (width - 4), 84), self._activation()]
        if self.output == "dense":
            return initialise(nn.Sequential(*layers, nn.Linear(84, classes)))
        return nn.Sequential(
            initialise(nn.Sequential(*layers)), RadialBasis(84, classes, self.gamma)
        )

    def _activation(self) -> nn.Module:
        return nn.Tanh() if self.activation == "tanh" else nn.ReLU()


LENET5_RBF = LeNet5()
"""Tutorial 2's LeNet-5: tanh and radial-basis output, 142,336 parameters for 28 x 28 x 1 and ten
classes.
"""

LENET5_RELU = LeNet5(activation="relu", output="dense")
"""Tutorial 2's modified LeNet-5: ReLU and softmax, 142,346 parameters."""
