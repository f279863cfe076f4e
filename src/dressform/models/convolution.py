"""Convolutions 3 x 3 that learn sooner on a processor than torch's own, and learn the same."""

import functools
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.models.layers import in_float32, prefers_float32


class PooledConv(nn.Conv2d):
    """A convolution 3 x 3, and max pooling of what it gives.

    While it learns in float32, its bias is added after the pooling: max(x) + b is max(x + b), and
    the bias's gradient is then a sum over a quarter of the numbers, where it took longer than the
    gradient of the filters. Few pictures of one channel it learns in float32 on a processor:
    bfloat16 saves less there than the conversions take. While it learns in float32 on a processor,
    one channel is a product of patches and filters for each picture, which leaves a picture with
    the core that pools it (figures: docs/log.md).

    Args:
        inputs: channels of the pictures.
        filters: channels of what it gives.
        pool: side of the windows that are pooled.
        stride: of the convolution.
        padding: of the convolution, as in torch.
    """

    def __init__(
        self, inputs: int, filters: int, *, pool: int = 2, stride: int = 1, padding: str | int = 0
    ) -> None:
        super().__init__(inputs, filters, 3, stride=stride, padding=padding)
        self.pool = pool

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, h // pool, w // pool], where the convolution gives h x
        w.
        """
        float32 = not torch.is_autocast_enabled(pictures.device.type) or (
            self.in_channels == 1 and prefers_float32(pictures)
        )
        if self.training and float32:
            return in_float32(lambda: self._bias_last(pictures.float()))
        return F.max_pool2d(super().forward(pictures), self.pool)

    def _bias_last(self, pictures: Tensor) -> Tensor:
        by_products = self.in_channels == 1 and pictures.device.type == "cpu"
        convolved = (
            self._products(pictures)
            if by_products
            else F.conv2d(pictures, self.weight, None, self.stride, self.padding)
        )
        largest = F.max_pool2d(convolved, self.pool)
        return largest if self.bias is None else largest.add_(self.bias.view(1, -1, 1, 1))

    def _products(self, pictures: Tensor) -> Tensor:
        """The convolution of one channel as a product for each picture."""
        same = (1, 1) if self.padding == "same" else (0, 0)
        y, x = same if isinstance(self.padding, str) else self.padding
        padded = F.pad(pictures, (x, x, y, y)) if x or y else pictures
        windows = padded.unfold(2, 3, self.stride[0]).unfold(3, 3, self.stride[1])
        count, _, height, width = windows.shape[:4]
        patches = windows.permute(0, 1, 4, 5, 2, 3).reshape(count, 9, height * width)
        filters = self.weight.view(-1, 9).t().expand(count, 9, -1)
        return (
            (patches.transpose(1, 2) @ filters)
            .view(count, height, width, self.out_channels)
            .permute(0, 3, 1, 2)
        )


def pooled(conv: nn.Module) -> list[nn.Module]:
    """A :class:`PooledConv` and its ReLU, which commutes with the maximum: after the pooling there
    is a quarter left to rectify.

    Identity stands where the pooling had its own place, so that the weights of earlier runs keep
    their names.
    """
    return [conv, nn.Identity(), nn.ReLU(inplace=True)]


SMALL = 100
"""Pixels of features, up to which :class:`Conv3x3` lays them side by side."""
SIDE_BY_SIDE = 25
"""Pictures in a row; 10 to 125 take about as long (figures: docs/log.md)."""


class Conv3x3(nn.Conv2d):
    """A convolution 3 x 3 without bias, for a batch norm behind it, and with a border of zeros, so
    that features keep their size.

    While it learns in bfloat16 from small features on a processor with AMX, the gradient of its
    filters is taken from pictures laid side by side: oneDNN goes through them one by one, and few
    pixels do not fill AMX's tiles (figures: docs/log.md).

    Args:
        inputs: channels of the features.
        filters: channels of what it gives.
    """

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__(inputs, filters, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, H, W]."""
        in_bfloat16 = (
            self.training and features.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        )
        if not (in_bfloat16 and has_amx() and features.shape[2] * features.shape[3] <= SMALL):
            return super().forward(features)
        kind = torch.get_autocast_dtype("cpu")
        convolved: Tensor = _LaidOut.apply(features.to(kind), self.weight.to(kind))  # type: ignore[no-untyped-call]
        return convolved


@functools.cache
def has_amx() -> bool:
    """Whether the processor multiplies tiles of bfloat16 numbers."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


class _LaidOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(features, weight)
        return F.conv2d(features, weight, padding=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features, weight = ctx.saved_tensors
        of_features = of_weight = None
        if ctx.needs_input_grad[0]:
            of_features = gradient_of("input", gradient, features, weight, (1, 1))
        if ctx.needs_input_grad[1]:
            of_weight = gradient_of(
                "weight", side_by_side(gradient), side_by_side(features), weight, (1, 1)
            )
        return of_features, of_weight


def gradient_of(
    what: Literal["input", "weight"],
    gradient: Tensor,
    given: Tensor,
    weight: Tensor,
    padding: tuple[int, int],
    *,
    stride: int = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of a convolution's input or of its weights.

    What torch.nn.grad calls, which would first copy a stand-in for the tensor that is not asked
    for.

    Args:
        what: ``input`` or ``weight``.
        gradient: of what the convolution gave, [N, F, ...].
        given: its input, [N, C, H, W].
        weight: its weights, [F, C / groups, ...].
        padding: zeros above and below, left and right.
        stride: in both directions.
        groups: as in torch.
    """
    wanted = [what == "input", what == "weight", False]
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient,
        given,
        weight,
        None,
        [stride] * 2,
        list(padding),
        [1, 1],
        False,
        [0, 0],
        groups,
        wanted,
    )
    return found[wanted.index(True)]


def side_by_side(features: Tensor) -> Tensor:
    """At most 25 pictures in a row, a column of zeros after each: [N, C, H, W] -> [rows, C, H,
    pictures * (W + 1)].
    """
    examples, channels, height, width = features.shape
    rows = -(-examples // SIDE_BY_SIDE)
    count = -(-examples // rows)
    pictures = features.permute(0, 2, 3, 1)
    if rows * count > examples:
        pictures = F.pad(pictures, (0, 0, 0, 0, 0, 0, 0, rows * count - examples))
    laid = features.new_empty(rows, height, count, width + 1, channels)
    laid[:, :, :, :width] = pictures.view(rows, count, height, width, channels).transpose(1, 2)
    laid[:, :, :, width] = 0
    return laid.view(rows, height, count * (width + 1), channels).permute(0, 3, 1, 2)
