"""3 x 3 convolutions that train faster on a processor than torch's own."""

import functools
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.kernels.linear import in_float32, prefers_float32
from dressform.kernels.switch import enabled


class PooledConv(nn.Conv2d):
    """A 3 x 3 convolution followed by max pooling.

    The plain form is ``max_pool2d(conv2d(x))``. While training in float32, the bias is added after
    the pooling: max(x) + b is max(x + b), and the bias's gradient is then a sum over a quarter of
    the numbers. While training in float32 on a processor, one channel is convolved as a product of
    patches and filters per image, so that each image stays with the core that pools it. A few
    images of one channel are trained in float32 on a processor: bfloat16 saves less there than the
    conversions take.

    Args:
        inputs: channels of the images.
        filters: channels of the output.
        pool: side of the windows that are pooled.
        stride: of the convolution.
        padding: of the convolution, as in torch.
    """

    def __init__(
        self, inputs: int, filters: int, *, pool: int = 2, stride: int = 1, padding: str | int = 0
    ) -> None:
        super().__init__(inputs, filters, 3, stride=stride, padding=padding)
        self.pool = pool

    def forward(self, images: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, h // pool, w // pool] for a convolution to h x w."""
        if self.training and enabled("pooled-convolution"):
            one_channel = self.in_channels == 1
            autocast = torch.is_autocast_enabled(images.device.type)
            if not autocast or (one_channel and prefers_float32(images)):
                return in_float32(lambda: self._bias_last(images.float()))
        return F.max_pool2d(super().forward(images), self.pool)

    def _bias_last(self, images: Tensor) -> Tensor:
        if self.in_channels == 1 and images.device.type == "cpu":
            convolved = self._patch_products(images)
        else:
            convolved = F.conv2d(images, self.weight, None, self.stride, self.padding)
        largest = F.max_pool2d(convolved, self.pool)
        return largest if self.bias is None else largest.add_(self.bias.view(1, -1, 1, 1))

    def _patch_products(self, images: Tensor) -> Tensor:
        """The convolution of one channel as a matrix product per image."""
        same = (1, 1) if self.padding == "same" else (0, 0)
        y, x = same if isinstance(self.padding, str) else self.padding
        padded = F.pad(images, (x, x, y, y)) if x or y else images
        windows = padded.unfold(2, 3, self.stride[0]).unfold(3, 3, self.stride[1])
        count, _, height, width = windows.shape[:4]
        patches = windows.permute(0, 1, 4, 5, 2, 3).reshape(count, 9, height * width)
        filters = self.weight.view(-1, 9).t().expand(count, 9, -1)
        products = patches.transpose(1, 2) @ filters
        return products.view(count, height, width, self.out_channels).permute(0, 3, 1, 2)


def pooled(conv: nn.Module) -> list[nn.Module]:
    """A :class:`PooledConv` and its ReLU, which commutes with the maximum: after the pooling a
    quarter of the numbers is left to rectify.

    Identity stands where pooling would be a layer of its own.
    """
    return [conv, nn.Identity(), nn.ReLU(inplace=True)]


MAX_PIXELS = 100
"""Pixels of features, up to which :class:`Conv3x3` lays images side by side."""
IMAGES_PER_ROW = 25
"""10 to 125 take about as long (figures: docs/log.md)."""


class Conv3x3(nn.Conv2d):
    """A 3 x 3 convolution without bias, for a batch norm behind it, padded so that features keep
    their size.

    The plain form is :class:`torch.nn.Conv2d`. While training in bfloat16 on small features on a
    processor with AMX, the gradient of the filters is taken from images laid side by side: oneDNN
    goes through them one by one, and few pixels do not fill AMX's tiles.

    Args:
        inputs: channels of the features.
        filters: channels of the output.
    """

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__(inputs, filters, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, filters, H, W]."""
        if not self._lays_out(features):
            return super().forward(features)
        kind = torch.get_autocast_dtype("cpu")
        convolved: Tensor = _LaidOut.apply(features.to(kind), self.weight.to(kind))  # type: ignore[no-untyped-call]
        return convolved

    def _lays_out(self, features: Tensor) -> bool:
        return (
            self.training
            and features.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and features.shape[2] * features.shape[3] <= MAX_PIXELS
            and has_amx()
            and enabled("wide-convolution")
        )


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
            of_features = gradient_of("input", gradient, features, weight, padding=(1, 1))
        if ctx.needs_input_grad[1]:
            rows = side_by_side(gradient), side_by_side(features)
            of_weight = gradient_of("weight", *rows, weight, padding=(1, 1))
        return of_features, of_weight


def gradient_of(
    what: Literal["input", "weight"],
    gradient: Tensor,
    inputs: Tensor,
    weight: Tensor,
    *,
    padding: tuple[int, int],
    stride: int = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of a convolution with respect to its input or its weights.

    This is what torch.nn.grad calls, without the copy that it makes of the other tensor.

    Args:
        what: ``input`` or ``weight``.
        gradient: of the convolution's output, [N, F, ...].
        inputs: [N, C, H, W].
        weight: [F, C / groups, ...].
        padding: zeros above and below, left and right.
        stride: in both directions.
        groups: as in torch.
    """
    mask = [what == "input", what == "weight", False]
    gradients: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient,
        inputs,
        weight,
        None,
        [stride] * 2,
        list(padding),
        [1, 1],
        False,
        [0, 0],
        groups,
        mask,
    )
    return gradients[mask.index(True)]


def side_by_side(features: Tensor) -> Tensor:
    """At most 25 images in a row, a column of zeros after each: [N, C, H, W] -> [rows, C, H,
    images * (W + 1)].
    """
    examples, channels, height, width = features.shape
    rows = -(-examples // IMAGES_PER_ROW)
    count = -(-examples // rows)
    images = features.permute(0, 2, 3, 1)
    if rows * count > examples:
        images = F.pad(images, (0, 0, 0, 0, 0, 0, 0, rows * count - examples))
    laid = features.new_empty(rows, height, count, width + 1, channels)
    laid[:, :, :, :width] = images.view(rows, count, height, width, channels).transpose(1, 2)
    laid[:, :, :, width] = 0
    return laid.view(rows, height, count * (width + 1), channels).permute(0, 3, 1, 2)
