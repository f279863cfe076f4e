"""Networks of which somebody else trained the backbone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.errors import ConfigError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels."""


class ImageNetPixels(nn.Module):
    """Pixels as networks trained on ImageNet expect them: float [N, 1 or 3, H, W] in [0, 1] -> [N,
    3, ...].

    Args:
        side: images with a shorter side are enlarged until it is so long, by bilinear
            interpolation; 0 enlarges none.
        mean: of each colour, subtracted.
        std: of each colour, that the rest is divided by. Both belong to the weights: with others a
            network still works, only worse.
    """

    def __init__(
        self,
        side: int = 0,
        mean: tuple[float, float, float] = MEAN,
        std: tuple[float, float, float] = STD,
    ) -> None:
        super().__init__()
        self.side = side
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.mean: Tensor
        self.std: Tensor

    def extra_repr(self) -> str:
        """What no weights tell."""
        return f"side={self.side}"

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what comes out."""
        scale = max(1.0, self.side / min(height, width))
        return round(height * scale), round(width * scale)

    def forward(self, pixels: Tensor) -> Tensor:
        """Grey becomes three equal colours."""
        size = self.size(*pixels.shape[2:])
        if pixels.shape[2:] != size:
            pixels = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        return (pixels.expand(-1, 3, -1, -1) - self.mean) / self.std


class GlobalMean(nn.Module):
    """Mean of each channel: [N, C, H, W] -> [N, C]."""

    def forward(self, features: Tensor) -> Tensor:
        """Mean over height and width."""
        return features.mean((2, 3))


class Transfer(nn.Module):
    """A backbone that does not learn, and a back that does.

    The backbone keeps the statistics it came with and has no dropout, so it gives the same for the
    same image, always: what it gives can be computed once
    (:mod:`dressform.training.feature_cache`).

    Args:
        backbone: float [N, C, H, W] in [0, 1] -> features.
        head: features -> logits [N, K].
    """

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone.requires_grad_(False).eval(), head

    def train(self, mode: bool = True) -> "Transfer":
        """Only the head changes between training and evaluation."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits [N, K]."""
        logits: Tensor = self.head(self.backbone(pixels))
        return logits


def transfer_of(network: nn.Module) -> Transfer:
    """The network itself, which has a backbone.

    Raises:
        ConfigError: it has none.
    """
    if not isinstance(network, Transfer):
        raise ConfigError(
            "this network has no frozen backbone whose features could be kept; set "
            "cached_features=0"
        )
    return network
