"""VGG19: Simonyan and Zisserman 2014 (https://arxiv.org/abs/1409.1556), its convolutions as a
frozen backbone (tutorial 4).
"""

from dataclasses import dataclass

from torch import nn

from dressform.core.config import require
from dressform.models.initial import initialise
from dressform.models.layers import Flatten
from dressform.models.pretrained import load_vgg19
from dressform.models.transfer import ImageNetPixels, Transfer

FILTERS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))
"""Of the convolutions before each pooling."""
DEEPEST = 512


def convolutions() -> nn.Sequential:
    """float [N, 3, H, W] -> [N, 512, H // 32, W // 32]; layers are numbered as in the published
    weights.
    """
    layers: list[nn.Module] = []
    inputs = 3
    for group in FILTERS:
        for filters in group:
            layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


@dataclass(frozen=True, kw_only=True)
class VGG19:
    """Twenty million weights that do not learn, a dense layer and the logits that do.

    Attributes:
        weights: ``none`` for random ones, the path of a file, ``hub`` for those of the usual
            address, which are fetched once and kept, or ``imagenet`` for those that were fetched
            before.
        side: smaller images are enlarged to this many pixels, bilinear; 32 or more.
        dense: units of the layer with ReLU.
    """

    weights: str = "none"
    side: int = 150
    dense: int = 512

    def __post_init__(self) -> None:
        require(32 <= self.side <= 1024, "model.side", self.side, "32 to 1024 pixels")
        require(self.dense >= 1, "model.dense", self.dense, "1 or more")

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for float [N, C, H, W], C 1 or 3."""
        require(shape[2] in (1, 3), "channels", shape[2], "1 or 3")
        features = convolutions()
        if self.weights == "none":
            initialise(features, "he-normal")
        else:
            load_vgg19(features, self.weights)
        pixels = ImageNetPixels(self.side)
        height, width = (side // 32 for side in pixels.size(shape[0], shape[1]))
        dense, last = (
            nn.Linear(DEEPEST * height * width, self.dense),
            nn.Linear(self.dense, classes),
        )
        head = nn.Sequential(Flatten(), initialise(dense), nn.ReLU(inplace=True), initialise(last))
        return Transfer(nn.Sequential(pixels, features), head)
