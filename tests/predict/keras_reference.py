"""What Keras computes for a graph of stock layers, after its documentation, channels last."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dressform.predict.keras_graph import KerasGraph, KerasLayer

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {"relu": F.relu, "tanh": torch.tanh}


def evaluate(graph: KerasGraph, images: Tensor, name: str = "probabilities") -> Tensor:
    """The output of a layer for images [N, H, W, C]."""
    values: dict[tuple[str, int], Tensor] = {("images", 0): images.float()}
    for _ in range(2):  # a layer that is called again takes what comes after its first call
        for layer in graph.layers.values():
            for number, inputs in enumerate(layer.calls):
                if all(one in values for one in inputs):
                    found = _call(layer, [values[one] for one in inputs])
                    assert tuple(found.shape[1:]) == layer.shape
                    values[layer.name, number] = found
    return values[name, 0]


def _call(layer: KerasLayer, inputs: list[Tensor]) -> Tensor:
    config: Any = layer.config
    x, weights = inputs[0], [torch.from_numpy(values) for values in layer.weights]
    match layer.kind:
        case "Rescaling":
            return torch.mul(x, config["scale"])
        case "Normalization":
            return (x - torch.tensor(config["mean"])) / torch.tensor(config["variance"]).sqrt()
        case "Softmax":
            return x.softmax(-1)
        case "Dropout":
            return x
        case "Dense":
            out = x @ weights[0] + (weights[1] if config["use_bias"] else 0)
        case "Conv2D" | "DepthwiseConv2D":
            out = _conv(layer, x, weights)
        case "ReLU":
            return torch.clamp(x, 0, config.get("max_value", torch.inf))
        case "Activation":
            out = x
        case "BatchNormalization":
            gamma, beta, mean, variance = weights
            return F.batch_norm(
                x.movedim(-1, 1), mean, variance, gamma, beta, eps=config["epsilon"]
            ).movedim(1, -1)
        case "MaxPooling2D" | "AveragePooling2D":
            assert config["padding"] == "valid"
            pool = F.max_pool2d if layer.kind[0] == "M" else F.avg_pool2d
            return _channels_last(pool(_channels_first(x), config["pool_size"], config["strides"]))
        case "GlobalMaxPooling2D":
            return x.amax((1, 2))
        case "GlobalAveragePooling2D":
            return x.mean((1, 2))
        case "ZeroPadding2D":
            (top, bottom), (left, right) = config["padding"]
            return F.pad(x, (0, 0, left, right, top, bottom))
        case "Resizing":
            size = (config["height"], config["width"])
            return _channels_last(F.interpolate(_channels_first(x), size, mode="bilinear"))
        case "Flatten":
            return x.flatten(1)
        case "Permute":
            return x.permute(0, *config["dims"])
        case "Concatenate":
            return torch.cat(inputs, config["axis"])
        case "Average":
            return torch.stack(inputs).mean(0)
        case "Add":
            return inputs[0] + inputs[1]
        case "Dot":
            return (inputs[0] * inputs[1]).sum(1, keepdim=True)
        case _:
            raise AssertionError(f"no layer of Keras: {layer.kind}")
    activation = ACTIVATIONS.get(config.get("activation"))
    return out if activation is None else activation(out)


def _conv(layer: KerasLayer, x: Tensor, weights: list[Tensor]) -> Tensor:
    config: Any = layer.config
    height, width = config["kernel_size"]
    stride = config["strides"]
    if config["padding"] == "same":
        extra = [
            max(0, (-(-side // step) - 1) * step + kernel - side)
            for side, step, kernel in zip(x.shape[1:3], stride, (height, width), strict=True)
        ]
        (down, across) = extra
        x = F.pad(x, (0, 0, across // 2, across - across // 2, down // 2, down - down // 2))
    if layer.kind == "Conv2D":
        groups, kernel = config["groups"], weights[0].permute(3, 2, 0, 1)
    else:
        groups = x.shape[3]
        kernel = weights[0].permute(2, 3, 0, 1).reshape(-1, 1, height, width)
    bias = weights[1] if config["use_bias"] else None
    return _channels_last(F.conv2d(_channels_first(x), kernel, bias, tuple(stride), groups=groups))


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)
