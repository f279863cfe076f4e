"""Small pieces that several families share."""

from collections.abc import Callable

from torch import Tensor, nn

from dressform.core.errors import ConfigError


class Flatten(nn.Module):
    """[N, C, H, W] -> [N, H * W * C], in Keras's order.

    Features are channels-last in memory, so this order needs no copy, forward or backward, where
    torch's own needs two slow ones.
    """

    def forward(self, features: Tensor) -> Tensor:
        """A view of channels-last features."""
        return features.permute(0, 2, 3, 1).flatten(1)


def pad_to(shape: tuple[int, int, int], minimum: int) -> tuple[list[nn.Module], tuple[int, int]]:
    """Zero padding that lets a network with several poolings take images smaller than it was made
    for.

    Args:
        shape: height, width and channels of the images.
        minimum: smallest side that the network's features can handle.

    Returns:
        a list with one padding layer, or an empty list, and the height and width after it.
    """
    height, width, _ = shape
    extra_y, extra_x = max(0, minimum - height), max(0, minimum - width)
    if not extra_x and not extra_y:
        return [], (height, width)
    left, top = extra_x // 2, extra_y // 2
    return [nn.ZeroPad2d((left, extra_x - left, top, extra_y - top))], (
        height + extra_y,
        width + extra_x,
    )


def smallest_side(size_after: Callable[[int], int]) -> int:
    """The smallest image side for which ``size_after(side)`` is at least 1."""
    for side in range(1, 257):
        if size_after(side) >= 1:
            return side
    raise ConfigError("pooling reduces even a 256-pixel image to nothing; use fewer pooling layers")


def window(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output side of a convolution or pooling."""
    return (size + 2 * padding - kernel) // stride + 1
