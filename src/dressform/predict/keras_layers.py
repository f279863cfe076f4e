"""`KerasWalk`: torch's layers as those of Keras that compute the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.core.errors import ConfigError
from dressform.kernels.convolution import Conv3x3, PooledConv
from dressform.kernels.dropout import Dropout
from dressform.kernels.linear import Linear
from dressform.models.layers import Flatten
from dressform.predict.keras_graph import KerasGraph, Output

Convert = Callable[["KerasWalk", Any, "At"], "At"]


@dataclass(frozen=True, eq=False)
class At:
    """A place in the graph.

    Attributes:
        output: of a layer.
        value: what torch has there for one image, whose shape it tells.
    """

    output: Output
    value: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the batch, channels last."""
        sizes = tuple(self.value.shape[1:])
        return (*sizes[1:], sizes[0]) if len(sizes) == 3 else sizes


class KerasWalk:
    """A way through a network that writes down what it meets.

    Args:
        shape: of the images: height, width and channels.
        layers: how each type of module is converted.

    Attributes:
        graph: what was met so far.
    """

    def __init__(
        self, shape: tuple[int, int, int], layers: Mapping[type[nn.Module], Convert]
    ) -> None:
        self.graph = KerasGraph(shape)
        self._layers = layers
        self._again: Iterator[str] | None = None

    def convert(self, module: nn.Module, at: At) -> At:
        """Append what a module computes.

        Raises:
            ConfigError: it has no counterpart in Keras.
        """
        convert = self._layers.get(type(module))
        if convert is None:
            raise _refused(type(module).__name__)
        return convert(self, module, at)

    def convert_twice(self, module: nn.Module, at: At, other: At) -> tuple[At, At]:
        """Append what a module computes of two inputs, with the same weights."""
        before = len(self.graph.layers)
        first = self.convert(module, at)
        self._again = iter(list(self.graph.layers)[before:])
        second = self.convert(module, other)
        self._again = None
        return first, second

    def add(
        self,
        kind: str,
        at: At | Sequence[At],
        value: Tensor,
        weights: Sequence[NDArray[Any]] = (),
        **config: object,
    ) -> At:
        """Append a layer; ``value`` is what it gives for torch's one image."""
        inputs = [one.output for one in ([at] if isinstance(at, At) else at)]
        if self._again is not None:
            return At(self.graph.call(next(self._again), inputs), value)
        shape = At(Output(""), value).shape
        return At(self.graph.add(kind, inputs, shape, weights, config), value)

    def normalise(self, at: At, mean: NDArray[Any], std: NDArray[Any]) -> At:
        """Append (pixels - mean) / std, per channel."""
        means, variances = [float(v) for v in mean], [float(v) ** 2 for v in std]
        return self.add("Normalization", at, at.value, axis=-1, mean=means, variance=variances)


def _refused(what: str) -> ConfigError:
    return ConfigError(
        f"{what} has no counterpart in Keras; a .keras file can hold convolutions, pooling, dense "
        f"layers, batch norm, dropout, ReLU and tanh in an nn.Sequential, and dressform's own "
        f"networks; to='onnx' exports every network"
    )


def sequence(walk: KerasWalk, module: nn.Sequential, at: At) -> At:
    """Layer after layer; an activation becomes part of the convolution or dense layer before it, as
    people write it.
    """
    before: nn.Module | None = None
    for layer in module:
        activation = ACTIVATIONS.get(type(layer))
        if activation is not None and type(before) in ACTIVATED:
            target = walk.graph.layers[at.output.layer]
            if isinstance(before, PooledConv):  # monotone, so the maximum may come before or after
                target = walk.graph.layers[target.calls[0][0].layer]
            target.config["activation"] = activation
        else:
            at = walk.convert(layer, at)
        if not isinstance(layer, nn.Identity):
            before = layer
    return at


def conv(walk: KerasWalk, module: nn.Conv2d, at: At) -> At:
    """A convolution; padding that is not Keras's ``same`` becomes a layer."""
    if module.dilation != (1, 1) or module.padding_mode != "zeros":
        raise _refused(str(module))
    value = nn.Conv2d.forward(module, at.value)
    if isinstance(module.padding, str):  # torch and Keras put the odd zero at the same end
        return convolved(walk, module, at, value, module.padding)
    down, across = module.padding
    same = (2 * down + 1, 2 * across + 1) == module.kernel_size and module.stride == (1, 1)
    if not same and (down or across):
        at = padded(walk, at, (across, across), (down, down))
    return convolved(walk, module, at, value, "same" if same else "valid")


def padded(walk: KerasWalk, at: At, across: tuple[int, int], down: tuple[int, int]) -> At:
    """Zeros left and right, above and below."""
    value = nn.functional.pad(at.value, (*across, *down))
    return walk.add("ZeroPadding2D", at, value, padding=[list(down), list(across)])


def convolved(walk: KerasWalk, module: nn.Conv2d, at: At, value: Tensor, padding: str) -> At:
    """A convolution with one of Keras's paddings."""
    filters, _, height, width = module.weight.shape
    weights = [] if module.bias is None else [module.bias.detach().numpy()]
    kernel = module.weight.detach().numpy()
    plain: dict[str, object] = {
        "kernel_size": [height, width],
        "strides": list(module.stride),
        "padding": padding,
        "use_bias": module.bias is not None,
        "trainable": module.weight.requires_grad,
    }
    if 1 < module.groups == module.in_channels:
        multiplier = filters // module.groups
        kernel = kernel.reshape(module.groups, multiplier, height, width).transpose(2, 3, 0, 1)
        plain["depth_multiplier"] = multiplier
        return walk.add("DepthwiseConv2D", at, value, [kernel, *weights], **plain)
    kernel = kernel.transpose(2, 3, 1, 0)
    plain |= {"filters": filters, "groups": module.groups}
    return walk.add("Conv2D", at, value, [kernel, *weights], **plain)


def pooled_conv(walk: KerasWalk, module: PooledConv, at: At) -> At:
    """A convolution and its max pooling."""
    return max_pool(walk, nn.MaxPool2d(module.pool), conv(walk, module, at))


def max_pool(walk: KerasWalk, module: nn.MaxPool2d, at: At) -> At:
    """Max pooling."""
    return _pool(walk, module, at, "MaxPooling2D")


def average_pool(walk: KerasWalk, module: nn.AvgPool2d, at: At) -> At:
    """Average pooling."""
    return _pool(walk, module, at, "AveragePooling2D")


def _pool(walk: KerasWalk, module: nn.MaxPool2d | nn.AvgPool2d, at: At, kind: str) -> At:
    dilated = _pair(getattr(module, "dilation", 1)) != [1, 1]
    divided = getattr(module, "divisor_override", None) is not None
    if _pair(module.padding) != [0, 0] or module.ceil_mode or dilated or divided:
        raise _refused(str(module))
    size, strides = _pair(module.kernel_size), _pair(module.stride)
    return walk.add(kind, at, module(at.value), pool_size=size, strides=strides, padding="valid")


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def zero_pad(walk: KerasWalk, module: nn.ZeroPad2d, at: At) -> At:
    """Zero padding."""
    left, right, top, bottom = module.padding
    return padded(walk, at, (left, right), (top, bottom))


def dense(walk: KerasWalk, module: nn.Linear, at: At) -> At:
    """A dense layer."""
    value = nn.functional.linear(at.value, module.weight, module.bias)
    weights = [module.weight.detach().numpy().T]
    if module.bias is not None:
        weights.append(module.bias.detach().numpy())
    units, use_bias = module.out_features, module.bias is not None
    return walk.add("Dense", at, value, weights, units=units, use_bias=use_bias)


def batch_norm(walk: KerasWalk, module: nn.BatchNorm2d | nn.BatchNorm1d, at: At) -> At:
    """Batch norm; torch counts momentum the other way round."""
    values = (module.weight, module.bias, module.running_mean, module.running_var)
    if module.running_mean is None or not module.affine or module.momentum is None:
        raise _refused(str(module))
    return walk.add(
        "BatchNormalization",
        at,
        at.value,
        [value.detach().numpy() for value in values if value is not None],
        momentum=1 - module.momentum,
        epsilon=module.eps,
    )


def dropout(walk: KerasWalk, module: Dropout | nn.Dropout, at: At) -> At:
    """Dropout, which trainings in Keras have, too."""
    rate = module.rate if isinstance(module, Dropout) else module.p
    return walk.add("Dropout", at, at.value, rate=rate) if rate else at


def flatten(walk: KerasWalk, module: Flatten, at: At) -> At:
    """In Keras's order."""
    return walk.add("Flatten", at, at.value.flatten(1))


def flatten_channels_first(walk: KerasWalk, module: nn.Flatten, at: At) -> At:
    """In torch's order."""
    if at.value.shape[1] > 1:
        channels, height, width = at.value.shape[1:]
        permuted = at.value.reshape(1, width, channels, height)  # its H, W and C are C, H and W
        at = walk.add("Permute", at, permuted, dims=[3, 1, 2])
    return walk.add("Flatten", at, at.value.flatten(1))


def relu(walk: KerasWalk, module: nn.Module, at: At) -> At:
    """ReLU."""
    return walk.add("ReLU", at, at.value)


def relu6(walk: KerasWalk, module: nn.ReLU6, at: At) -> At:
    """ReLU, at most 6."""
    return walk.add("ReLU", at, at.value, max_value=6.0)


def tanh(walk: KerasWalk, module: nn.Tanh, at: At) -> At:
    """Hyperbolic tangent."""
    return walk.add("Activation", at, at.value, activation="tanh")


def identity(walk: KerasWalk, module: nn.Identity, at: At) -> At:
    """Nothing."""
    return at


def mirrored(walk: KerasWalk, at: At) -> At:
    """Left and right exchanged.

    No layer of Keras does that in prediction. A dense layer along the width exchanges the columns;
    its ones and zeros change no number.
    """
    _, channels, height, width = at.value.shape
    exchanged = np.eye(width, dtype=np.float32)[::-1]
    columns_last = torch.empty(1, width, height, channels)
    turned = walk.add("Permute", at, columns_last, dims=[1, 3, 2])
    fixed: dict[str, object] = {"units": width, "use_bias": False, "trainable": False}
    mirror = walk.add("Dense", turned, columns_last, [exchanged], **fixed)
    return walk.add("Permute", mirror, at.value, dims=[1, 3, 2])


ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh"}
ACTIVATED = (nn.Conv2d, Conv3x3, PooledConv, nn.Linear, Linear)
"""What an activation becomes part of."""
LAYERS: dict[type[nn.Module], Convert] = {
    nn.Sequential: sequence,
    nn.Conv2d: conv,
    Conv3x3: conv,
    PooledConv: pooled_conv,
    nn.MaxPool2d: max_pool,
    nn.AvgPool2d: average_pool,
    nn.ZeroPad2d: zero_pad,
    nn.Linear: dense,
    Linear: dense,
    nn.BatchNorm1d: batch_norm,
    nn.BatchNorm2d: batch_norm,
    Dropout: dropout,
    nn.Dropout: dropout,
    Flatten: flatten,
    nn.Flatten: flatten_channels_first,
    nn.ReLU: relu,
    nn.ReLU6: relu6,
    nn.Tanh: tanh,
    nn.Identity: identity,
}
"""By exact type: a subclass may compute something else."""
