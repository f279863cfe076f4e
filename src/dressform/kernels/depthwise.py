"""5 x 5 depthwise convolutions whose weight gradient is fast on a processor."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dressform.kernels.convolution import gradient_of
from dressform.kernels.switch import enabled

SIDE = 5
WINDOWS = tuple((down, right) for down in (0, 2) for right in (0, 2))
"""Where windows of 3 x 3 begin that together cover 5 x 5."""


class _Depthwise5(torch.autograd.Function):
    """The weights' gradient is put together from those of four 3 x 3 convolutions, for which oneDNN
    has a kernel of its own.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        down, across = ctx.padding
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            if ctx.stride > 1 and x.dtype == torch.bfloat16:  # for which oneDNN has none
                of_x = _of_strided(gradient, x, weight, ctx.stride, ctx.padding)
            else:
                of_x = gradient_of(
                    "input",
                    gradient,
                    x,
                    weight,
                    padding=ctx.padding,
                    stride=ctx.stride,
                    groups=len(weight),
                )
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty_like(weight)
            rows = F.pad(x.permute(0, 2, 3, 1), (0, 0, across, across, down, down))
            height, width = (ctx.stride * (side - 1) + 3 for side in gradient.shape[2:])
            for top, left in WINDOWS:
                part = (
                    rows[:, top : top + height, left : left + width]
                    .contiguous()
                    .permute(0, 3, 1, 2)
                )
                window = weight[:, :, top : top + 3, left : left + 3]
                of_window = gradient_of(
                    "weight",
                    gradient,
                    part,
                    window.contiguous(),
                    padding=(0, 0),
                    stride=ctx.stride,
                    groups=len(weight),
                )
                of_weight[:, :, top : top + 3, left : left + 3] = of_window
        return of_x, of_weight, None, None


def _of_strided(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: tuple[int, int]
) -> Tensor:
    """The input's gradient as a convolution of the output's, with zeros where a stride left out a
    place.
    """
    (n, channels, *sides), (height, width) = gradient.shape, x.shape[2:]
    spread = gradient.new_zeros(n, height + 4, width + 4, channels)
    rows, columns = (
        slice(4 - zeros, 4 - zeros + stride * (side - 1) + 1, stride)
        for zeros, side in zip(padding, sides, strict=True)
    )
    spread[:, rows, columns] = gradient.permute(0, 2, 3, 1)
    return F.conv2d(spread.permute(0, 3, 1, 2), weight.flip(2, 3), None, 1, 0, 1, channels)


def depthwise5(x: Tensor, weight: Tensor, stride: int, padding: tuple[int, int]) -> Tensor:
    """A convolution of each channel with its own 5 x 5 filter: [N, C, H, W] -> [N, C, ...].

    The plain form is ``conv2d`` with C groups. In float32 its gradients are twice as fast as those
    of 3 x 3 windows (processor with AVX2, docs/log.md), except where ``x`` is smaller than the
    filter.

    Args:
        x: float32 or bfloat16 [N, C, H, W], channels-last in memory.
        weight: [C, 1, 5, 5].
        stride: in both directions.
        padding: zeros above and below, left and right.
    """
    plain = x.dtype == torch.float32 and min(x.shape[2:]) >= SIDE
    if plain or not enabled("depthwise"):
        return F.conv2d(x, weight.to(x.dtype), None, stride, padding, 1, len(weight))
    out: Tensor = _Depthwise5.apply(x, weight.to(x.dtype), stride, padding)  # type: ignore[no-untyped-call]
    return out
