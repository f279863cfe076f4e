"""`Int8Network`: an ONNX classifier in int8, several times as fast as float32 on processors with
int8 dot products, but less accurate.

Every tensor between two layers is uint8 with a scale and a shift per channel: value = a[c] * q +
b[c], a > 0. Pixels are such a tensor, too. All linear operations (pixel scaling, batch norm before
or after ReLU, both signs of a filter bank) are folded into these scales and into the next layer's
weights, so that only maxima and copies of bytes remain between the products. oneDNN computes the
products, as in torch's own compiled int8 networks.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dressform.core.errors import ConfigError
from dressform.data.dataset import inference_batch_size
from dressform.predict.layer_graph import ADVICE, Layer, channel_affine, per_filter, read_layers

BATCH_SIZE = 256
"""Images of 28 x 28 per batch."""
HEADROOM = 1.2
"""Range of bytes relative to the largest calibration value."""
MIN_RANGE_FRACTION = 0.1
"""Minimum range of a filter relative to the median of all: a filter rarely active in calibration
may be more active later.
"""
MAX_ZERO_POINT = 64
"""Maximum zero point after a ReLU; the bytes below it represent padded zeros at a border.
"""


class Int8Network:
    """An ONNX classifier in int8.

    Args:
        path: a chain of convolutions, dense layers, batch norm, ReLU and max pooling from uint8 [N,
            H, W, C] to logits, as :func:`dressform.predict.export.export_onnx` writes it.
        images: uint8 [N, H, W, C], some hundred representative images to calibrate ranges on.

    Raises:
        ConfigError: the network has other layers.
    """

    def __init__(self, path: Path, images: NDArray[np.uint8]) -> None:
        if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            raise ConfigError(f"this torch has no oneDNN, so no int8; {ADVICE}")
        scale, shift, layers = read_layers(path)
        x = torch.tensor(images).permute(0, 3, 1, 2).float()
        x = channel_affine(x, scale, shift)
        self._layers: list[_Int8Layer] = []
        self._batch_size = inference_batch_size(images.shape[1:], BATCH_SIZE)
        self._in_scale = self._in_shift = np.empty(0, np.float32)  # of what the last layer takes
        for i, layer in enumerate(layers):
            if (
                layer.flat and x.ndim == 4
            ):  # the bytes come flattened as they lie: height, width, channels
                scale, shift = (
                    scale.repeat(x.shape[2] * x.shape[3]),
                    shift.repeat(x.shape[2] * x.shape[3]),
                )
                x = x.permute(0, 2, 3, 1).flatten(1)
            self._in_scale, self._in_shift = scale.numpy(), shift.numpy()
            inner, x_next = layer.reference(x)
            following = layers[i + 1] if i + 1 < len(layers) else None
            built = _Int8Layer(
                layer, following, scale, shift, torch.Size((self._batch_size, *x.shape[1:])), inner
            )
            self._layers.append(built)
            scale, shift = (
                built.scale * layer.after_scale,
                built.shift * layer.after_scale + layer.after_shift,
            )
            x = x_next
        self._out_scale, self._out_shift = layers[-1].after_scale, layers[-1].after_shift

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 [N, K] of images uint8 [N, H, W, C]."""
        return self.logits_and_saturation(images)[0]

    @torch.inference_mode()
    def logits_and_saturation(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Logits float32 [N, K] of images uint8 [N, H, W, C], and whether a feature was saturated,
        bool [N].

        A unit that was rarely active in calibration may exceed its range; its byte is then 255, and
        the logits may be far off.
        """
        features = self._features(images)
        logits = [self._layers[-1](batch).float() for batch in features]
        saturated = torch.cat([(batch == 255).flatten(1).any(1) for batch in features])
        return np.asarray(
            torch.cat(logits).numpy() * self._out_scale.numpy() + self._out_shift.numpy()
        ), saturated.numpy()

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Inputs of the last layer, float32 [N, D], for images uint8 [N, H, W, C]."""
        parts = [
            part.permute(0, 2, 3, 1).flatten(1) if part.ndim == 4 else part
            for part in self._features(images)
        ]
        return np.asarray(torch.cat(parts).float().numpy() * self._in_scale + self._in_shift)

    @torch.inference_mode()
    def _features(self, images: NDArray[np.uint8]) -> list[Tensor]:
        """Inputs of the last layer in bytes, by batch."""
        parts = []
        for start in range(0, len(images), self._batch_size):
            part = np.ascontiguousarray(images[start : start + self._batch_size])
            q = torch.from_numpy(part if part.flags.writeable else part.copy()).permute(0, 3, 1, 2)
            for layer in self._layers[:-1]:
                q = layer(q)
            parts.append(q)
        return parts


class _Int8Layer:
    """One layer on bytes; ``scale`` and ``shift`` convert its output bytes to values."""

    def __init__(
        self,
        layer: Layer,
        following: Layer | None,
        scale: Tensor,
        shift: Tensor,
        shape: torch.Size,
        inner: Tensor,
    ) -> None:
        if (scale <= 0).any():
            raise ConfigError(
                f"the network has a negative factor after a ReLU, which int8 does not support; "
                f"{ADVICE}"
            )
        weight, bias = layer.folded()
        self._layer = layer
        # a scale for each channel costs nothing: it goes into the weights
        values = inner.transpose(0, 1).flatten(1)
        if layer.relu:
            high = values.amax(1) * HEADROOM
            minimum = (
                MIN_RANGE_FRACTION * high[high > 0].median() if (high > 0).any() else high.max()
            )
            zero, step = _relu_quantisation(
                torch.where(high > 0, high.maximum(minimum), high), layer, following
            )
        else:
            zero, step = 128, (values.abs().amax(1) * HEADROOM).clamp_min(1e-6) / 127
        flipped = bool(layer.flipped.any())
        if flipped and (not layer.relu or zero):
            raise ConfigError(
                f"the network pools with a sign change and without a plain ReLU after it, which "
                f"int8 does not support; {ADVICE}"
            )
        self.scale, self.shift = step, -zero * step
        per_input = (1, -1, *[1] * (weight.ndim - 2))
        bias = bias + (weight * shift.view(per_input)).flatten(1).sum(1)
        weight = weight * scale.view(per_input)
        if flipped:  # bytes counted down from 255, so that a maximum of them is a minimum of values
            weight = weight * per_filter(torch.where(layer.flipped, -1.0, 1.0), weight)
            bias = torch.where(layer.flipped, 255 * step - bias, bias)
        self._turn = torch.where(layer.flipped, 255, 0).to(torch.uint8) if flipped else None
        if following is not None:
            weight, bias = weight / per_filter(step, weight), bias / step
        self._weight_scale = (weight.flatten(1).abs().amax(1) / 127).clamp_min(1e-12)
        codes = (
            (weight / per_filter(self._weight_scale, weight))
            .round()
            .clamp(-127, 127)
            .to(torch.int8)
        )
        self._bias, self._no_zero = bias.contiguous(), torch.zeros(len(weight), dtype=torch.int64)
        self._out = (1.0, 0, torch.float32) if following is None else (1.0, zero, torch.uint8)
        stride, (n, channels, *sides) = [layer.stride] * 2, shape
        if layer.flat:
            self._packed = torch.ops.onednn.qlinear_prepack(codes, [n, channels])
        else:
            padded = [n, channels, *(side + 2 * layer.pad for side in sides)]
            self._packed = torch.ops.onednn.qconv_prepack(
                codes, self._weight_scale, 1.0, 0, stride, [0, 0], [1, 1], 1, padded
            )
            # A padded pixel stands for 0, which is this byte (or the nearest one).
            border = (-shift / scale).round().clamp(0, 255).to(torch.uint8)
            self._buffer = (
                border.view(1, -1, 1, 1)
                .expand(padded)
                .contiguous(memory_format=torch.channels_last)
            )

    def __call__(self, q: Tensor) -> Tensor:
        """uint8 [N, C, ...] -> uint8, or float32 logits from the last layer."""
        layer, (scale, zero, dtype) = self._layer, self._out
        activation = "relu" if layer.relu and dtype == torch.uint8 else "none"
        ending: tuple[Any, ...] = (scale, zero, dtype, activation, [], "")
        if layer.flat:
            if q.ndim == 4:
                q = q.permute(0, 2, 3, 1).flatten(1)
            y: Tensor = torch.ops.onednn.qlinear_pointwise(
                q, 1.0, 0, self._packed, self._weight_scale, self._no_zero, self._bias, *ending
            )
        else:
            if layer.pad:
                buffer = self._buffer[: len(q)]
                buffer[:, :, layer.pad : -layer.pad, layer.pad : -layer.pad] = q
                q = buffer
            y = torch.ops.onednn.qconv_pointwise(
                q,
                1.0,
                0,
                self._packed,
                self._weight_scale,
                self._no_zero,
                self._bias,
                [layer.stride] * 2,
                [0, 0],
                [1, 1],
                1,
                *ending,
            )
        if layer.pool == "global":
            y = y.amax((2, 3))
        elif layer.pool:  # torch's pooling does not know bytes
            rows = y.permute(0, 2, 3, 1)
            height, width = rows.shape[1] // 2 * 2, rows.shape[2] // 2 * 2
            rows = torch.maximum(rows[:, 0:height:2], rows[:, 1:height:2])
            y = torch.maximum(rows[:, :, 0:width:2], rows[:, :, 1:width:2]).permute(0, 3, 1, 2)
        if self._turn is not None:
            y = y.bitwise_xor_(self._turn.view(1, -1, *[1] * (y.ndim - 2)))
        return y


def _relu_quantisation(high: Tensor, layer: Layer, following: Layer | None) -> tuple[int, Tensor]:
    """Zero point, and step size per channel, for features from 0 to ``high`` after a ReLU."""
    if following is None or not following.pad:
        return 0, high.clamp_min(1e-6) / 255
    # A border is 0 after the last scale and shift, so before them it is this:
    border = -layer.after_shift / layer.after_scale
    alive = high > 1e-3 * high.max()
    below = (
        (-border / high.clamp_min(1e-6))[alive].clamp_min(0).amax().item() if alive.any() else 0.0
    )
    zero = round(min(MAX_ZERO_POINT, 255 * below / (1 + below)))
    if (border < 0).any():
        zero = max(zero, MAX_ZERO_POINT // 4)
    step = torch.maximum(high, border) / (255 - zero)
    dead = torch.where(alive, 0.0, -border) / max(zero, 1)  # these have a value at the border only
    return zero, torch.maximum(step, dead).clamp_min(1e-6)
