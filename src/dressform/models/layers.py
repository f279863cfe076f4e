"""Small pieces that several families share."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.core.errors import ConfigError

FEW = 100
"""Examples, below which a dense layer and the convolution of one channel are quicker in float32."""


def _few_for_bfloat16(examples: Tensor) -> bool:
    # Autocast first: an export, which has none, would take a number of examples that was asked for as given.
    return torch.is_autocast_enabled("cpu") and examples.device.type == "cpu" and len(examples) < FEW


def _in_float32(compute: Callable[[], Tensor]) -> Tensor:
    """What torch.autocast with ``enabled=False`` gives, without what its context costs a small layer."""
    autocast = torch.is_autocast_enabled("cpu")
    torch.set_autocast_enabled("cpu", False)
    try:
        return compute()
    finally:
        torch.set_autocast_enabled("cpu", autocast)


class Linear(nn.Linear):
    """A dense layer that stays in float32 for small batches on a processor.

    To turn its weights into bfloat16, and their gradient back, takes longer than the products of so few rows.
    """

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        if _few_for_bfloat16(features):
            return _in_float32(lambda: F.linear(features.float(), self.weight, self.bias))
        return super().forward(features)


class PooledConv(nn.Conv2d):
    """A convolution 3 x 3, and max pooling of what it gives.

    While it learns in float32, its bias is added after the pooling: max(x) + b is max(x + b), and the bias's gradient is then a
    sum over a quarter of the numbers, where it took longer than the gradient of the filters. Few pictures of one channel it
    learns in float32 on a processor: bfloat16 saves less there than the conversions take. One channel on a processor is a product
    of patches and filters for each picture, which leaves a picture with the core that pools it (figures: docs/log.md).

    Args:
        inputs: channels of the pictures.
        filters: channels of what it gives.
        pool: side of the windows that are pooled.
        stride: of the convolution.
        padding: of the convolution, as in torch.
    """

    def __init__(self, inputs: int, filters: int, *, pool: int = 2, stride: int = 1, padding: str | int = 0) -> None:
        super().__init__(inputs, filters, 3, stride=stride, padding=padding)
        self.pool = pool

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, h // pool, w // pool], where the convolution gives h x w."""
        in_float32 = not torch.is_autocast_enabled(pictures.device.type) or (self.in_channels == 1 and _few_for_bfloat16(pictures))
        if self.training and in_float32:
            return _in_float32(lambda: self._bias_last(pictures.float()))
        return F.max_pool2d(super().forward(pictures), self.pool)

    def _bias_last(self, pictures: Tensor) -> Tensor:
        by_products = self.in_channels == 1 and pictures.device.type == "cpu"
        convolved = self._products(pictures) if by_products else F.conv2d(pictures, self.weight, None, self.stride, self.padding)
        pooled = F.max_pool2d(convolved, self.pool)
        return pooled if self.bias is None else pooled.add_(self.bias.view(1, -1, 1, 1))

    def _products(self, pictures: Tensor) -> Tensor:
        """The convolution of one channel as a product for each picture."""
        same = (1, 1) if self.padding == "same" else (0, 0)
        y, x = same if isinstance(self.padding, str) else self.padding
        padded = F.pad(pictures, (x, x, y, y)) if x or y else pictures
        windows = padded.unfold(2, 3, self.stride[0]).unfold(3, 3, self.stride[1])
        count, _, height, width = windows.shape[:4]
        patches = windows.permute(0, 1, 4, 5, 2, 3).reshape(count, 9, height * width)
        filters = self.weight.view(-1, 9).t().expand(count, 9, -1)
        return (patches.transpose(1, 2) @ filters).view(count, height, width, -1).permute(0, 3, 1, 2)


def pooled(conv: nn.Module) -> list[nn.Module]:
    """A :class:`PooledConv` and its ReLU, which commutes with the maximum: after the pooling there is a quarter left to rectify.

    Identity stands where the pooling had its own place, so that the weights of earlier runs keep their names.
    """
    return [conv, nn.Identity(), nn.ReLU(inplace=True)]


class Flatten(nn.Module):
    """[N, C, H, W] -> [N, H * W * C], in Keras's order.

    Features are channels-last in memory, so this order needs no copy, forward or backward, where torch's own needs two
    slow ones.
    """

    def forward(self, features: Tensor) -> Tensor:
        """A view of channels-last features."""
        return features.permute(0, 2, 3, 1).flatten(1)


def pad_to(shape: tuple[int, int, int], minimum: int) -> tuple[list[nn.Module], tuple[int, int]]:
    """Zero padding that lets a network with several poolings take pictures smaller than it was made for.

    Args:
        shape: height, width and channels of the pictures.
        minimum: smallest side that the network's features can handle.

    Returns:
        a list with one padding layer, or an empty list, and the height and width after it.
    """
    height, width, _ = shape
    extra_y, extra_x = max(0, minimum - height), max(0, minimum - width)
    if not extra_x and not extra_y:
        return [], (height, width)
    left, top = extra_x // 2, extra_y // 2
    return [nn.ZeroPad2d((left, extra_x - left, top, extra_y - top))], (height + extra_y, width + extra_x)


def smallest_side(size_after: Callable[[int], int]) -> int:
    """The smallest picture side for which ``size_after(side)`` is at least 1."""
    for side in range(1, 257):
        if size_after(side) >= 1:
            return side
    raise ConfigError("the network shrinks a picture of 256 pixels to nothing; use fewer poolings")


def window(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output side of a convolution or pooling."""
    return (size + 2 * padding - kernel) // stride + 1
