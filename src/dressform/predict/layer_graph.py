"""Read an ONNX classifier as a chain of layers, each with everything up to the next product."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

from dressform.core.errors import ConfigError

ADVICE = "use the float32 Predictor"


@dataclass
class Layer:
    """A convolution or dense layer with everything up to the next one.

    It computes y = pool(max(0, gain * (weight x + bias) + shift)), then after_scale * y +
    after_shift; every part is optional.
    """

    weight: Tensor
    bias: Tensor
    pad: int = 0
    stride: int = 1
    flat: bool = False
    relu: bool = False
    pool: str = ""
    gain: Tensor = field(init=False)
    shift: Tensor = field(init=False)
    flipped: Tensor = field(init=False)
    after_scale: Tensor = field(init=False)
    after_shift: Tensor = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.weight)
        self.gain, self.shift = torch.ones(count), torch.zeros(count)
        self.flipped = torch.zeros(count, dtype=torch.bool)
        self.after_scale, self.after_shift = torch.ones(count), torch.zeros(count)

    def apply_affine(self, scale: Tensor, shift: Tensor) -> None:
        """Fold in a subsequent scale and shift per channel."""
        if self.relu:
            self.after_scale, self.after_shift = (
                self.after_scale * scale,
                self.after_shift * scale + shift,
            )
            return
        if self.pool:
            self.flipped ^= scale < 0  # the maximum becomes a minimum
        self.gain, self.shift = self.gain * scale, self.shift * scale + shift

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias with gain and shift folded in."""
        return self.weight * per_filter(self.gain, self.weight), self.bias * self.gain + self.shift

    def reference(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs for float32 [N, C, ...], before and after the last scale and shift."""
        weight, bias = self.folded()
        y = (
            F.linear(x, weight, bias)
            if self.flat
            else F.conv2d(x, weight, bias, self.stride, self.pad)
        )
        if self.relu:
            y = y.relu()
        if self.pool:
            sign = torch.where(self.flipped, -1.0, 1.0)
            y = channel_affine(y, sign)
            y = y.amax((2, 3)) if self.pool == "global" else F.max_pool2d(y, 2)
            y = channel_affine(y, sign)
        return y, channel_affine(y, self.after_scale, self.after_shift)


def per_filter(values: Tensor, weight: Tensor) -> Tensor:
    """One value per filter, reshaped to multiply weights [F, ...]."""
    return values.view(-1, *[1] * (weight.ndim - 1))


def channel_affine(y: Tensor, scale: Tensor, shift: Tensor | None = None) -> Tensor:
    """Apply a scale and a shift per channel to [N, C, ...]."""
    shape = (1, -1, *[1] * (y.ndim - 2))
    return y * scale.view(shape) + (0 if shift is None else shift.view(shape))


def read_layers(path: Path) -> tuple[Tensor, Tensor, list[Layer]]:
    """Read the layers of a classifier.

    Args:
        path: an ONNX file from uint8 [N, H, W, C] to logits.

    Returns:
        scale and shift per channel that are applied to the pixels, and the layers.

    Raises:
        ConfigError: the network is not such a chain.
    """
    graph = onnx.load(path).graph
    constants = {i.name: torch.tensor(numpy_helper.to_array(i)) for i in graph.initializer}
    scale, shift = torch.ones(1), torch.zeros(1)
    layers: list[Layer] = []
    last = ""
    for node in graph.node:
        weights = [constants[name] for name in node.input if name in constants]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        affine = _affine_of(node, weights, attributes)
        if affine is not None:
            if layers:
                count = len(layers[-1].weight)
                layers[-1].apply_affine(affine[0].expand(count), affine[1].expand(count))
            else:
                scale, shift = scale * affine[0], shift * affine[0] + affine[1]
        elif node.op_type in ("Conv", "Gemm"):
            layers.append(_product_layer(node, weights, attributes))
        elif node.op_type == "Relu" and layers:
            layers[-1].relu = True
        elif node.op_type in ("MaxPool", "ReduceMax") and layers:
            _add_pooling(node, attributes, layers[-1])
        elif node.op_type == "Transpose":
            perm = list(attributes["perm"])
            if layers and perm != [0, 2, 3, 1]:
                raise ConfigError(
                    f"{path} transposes its features to {perm}, which int8 does not support; "
                    f"{ADVICE}"
                )
            if not layers and perm != [0, 3, 1, 2]:
                break
        elif node.op_type == "Reshape":
            if last != "Transpose":
                raise ConfigError(
                    f"{path} flattens channels first, but int8 flattens pixels first; {ADVICE}"
                )
        elif node.op_type != "Cast":
            raise ConfigError(
                f"{path} has the operator {node.op_type}, which int8 does not support; {ADVICE}"
            )
        last = node.op_type
        if "logits" in node.output:  # what follows makes probabilities of them
            break
    channels = layers[0].weight.shape[1] if layers else 0
    if not layers or layers[0].flat:
        raise ConfigError(f"{path} does not start with a convolution; {ADVICE}")
    if layers[-1].relu or layers[-1].pool:
        raise ConfigError(
            f"{path} does not end with a product, which int8 needs for logits; {ADVICE}"
        )
    return scale.expand(channels), shift.expand(channels), layers


def _affine_of(
    node: Any, weights: list[Tensor], attributes: dict[str, Any]
) -> tuple[Tensor, Tensor] | None:
    """Scale and shift per channel of an affine operator; None for other operators."""
    unit, zero = torch.ones(1), torch.zeros(1)
    if node.op_type == "BatchNormalization":
        weight, bias, mean, variance = (t.float() for t in weights)
        factor = weight / (variance + attributes.get("epsilon", 1e-5)).sqrt()
        return factor, bias - mean * factor
    if node.op_type in ("Add", "Sub", "Mul", "Div") and len(weights) == 1:
        value = weights[0].float().flatten()
        return {
            "Add": (unit, value),
            "Sub": (unit, -value),
            "Mul": (value, zero),
            "Div": (1 / value, zero),
        }[node.op_type]
    return None


def _product_layer(node: Any, weights: list[Tensor], attributes: dict[str, Any]) -> Layer:
    is_dense = node.op_type == "Gemm"
    weight = (
        weights[0].float().T if is_dense and not attributes.get("transB") else weights[0].float()
    )
    bias = weights[1].float() if len(weights) > 1 else torch.zeros(len(weight))
    if is_dense:
        return Layer(weight, bias, flat=True)
    pads, strides = set(attributes.get("pads", [0])), set(attributes.get("strides", [1]))
    same = len(pads) == len(strides) == 1 and set(attributes.get("dilations", [1])) == {1}
    if not same or attributes.get("group", 1) != 1:
        raise ConfigError(
            f"the network has a grouped, dilated or unevenly padded convolution; {ADVICE}"
        )
    return Layer(weight, bias, pads.pop(), strides.pop())


def _add_pooling(node: Any, attributes: dict[str, Any], layer: Layer) -> None:
    if layer.pool or (layer.after_scale <= 0).any():
        raise ConfigError(
            f"the network pools twice or after a negative factor, which int8 does not support; "
            f"{ADVICE}"
        )
    if node.op_type == "MaxPool":
        is_2x2 = attributes["kernel_shape"] == [2, 2] == attributes["strides"] and not any(
            attributes.get("pads", [0])
        )
        if not is_2x2 or attributes.get("ceil_mode", 0):
            raise ConfigError(f"the network has a pooling other than 2 x 2; {ADVICE}")
    layer.pool = "global" if node.op_type == "ReduceMax" else "2x2"
