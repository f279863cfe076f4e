"""`keras_graph_of`: a network of dressform as stock layers of Keras that compute the same."""

import torch
from torch import nn

from dressform.models import efficientnet_lite, fastnet, wide_resnet
from dressform.models.ensemble import Members
from dressform.models.lenet5 import RadialBasis
from dressform.models.network import Classifier
from dressform.models.transfer import GlobalMean, ImageNetPixels, Transfer
from dressform.predict.keras_graph import KerasGraph, Output
from dressform.predict.keras_layers import (
    LAYERS,
    At,
    Convert,
    KerasWalk,
    batch_norm,
    conv,
    convolved,
    dropout,
    mirrored,
    relu,
)


def keras_graph_of(
    network: Classifier, shape: tuple[int, int, int], *, temperature: float = 1.0
) -> KerasGraph:
    """A network as layers of Keras: images of 0 to 255, float32 or uint8 [N, H, W, C], to
    probabilities [N, K].

    The scaling of the pixels is part of the model. The layer ``logits`` gives the network's logits,
    which are divided by the temperature before the softmax.

    Args:
        network: in evaluation mode, on the CPU.
        shape: of the images: height, width and channels.
        temperature: by which logits are divided for the probabilities.

    Raises:
        ConfigError: it has a layer without a counterpart in Keras.
    """
    height, width, channels = shape
    walk = KerasWalk(shape, LAYERS | NETWORKS)
    at = At(Output("images"), torch.zeros(1, channels, height, width))
    at = walk.add("Rescaling", at, at.value, scale=1 / 255, offset=0.0)
    mean, std = network.mean.flatten().numpy(), network.std.flatten().numpy()
    if mean.any() or (std != 1).any():
        at = walk.normalise(at, mean, std)
    with torch.inference_mode():
        logits = walk.convert(network.network, at).value
    at = At(walk.graph.rename_last("logits"), logits)
    if temperature != 1:
        at = walk.add(
            "Rescaling", at, logits, name="temperature", scale=1 / temperature, offset=0.0
        )
    walk.add("Softmax", at, logits, name="probabilities")
    return walk.graph


def _haar(walk: KerasWalk, module: fastnet.HaarStem, at: At) -> At:
    return relu(walk, module, conv(walk, module.filters, at))


def _group(walk: KerasWalk, module: fastnet.Group, at: At) -> At:
    return walk.convert(module.layers, at)


def _global_max(walk: KerasWalk, module: fastnet.GlobalMax, at: At) -> At:
    return walk.add("GlobalMaxPooling2D", at, module(at.value))


def _global_mean(walk: KerasWalk, module: GlobalMean, at: At) -> At:
    return walk.add("GlobalAveragePooling2D", at, module(at.value))


def _scale(walk: KerasWalk, module: fastnet.Scale, at: At) -> At:
    return walk.add("Rescaling", at, at.value, scale=module.factor, offset=0.0)


def _radial_basis(walk: KerasWalk, module: RadialBasis, at: At) -> At:
    """-gamma |x - c|^2 = -gamma x.x + (2 gamma c).x - gamma c.c, of which Keras has each part."""
    centres, gamma = module.centres.detach().numpy(), module.gamma
    weights = [2 * gamma * centres.T, -gamma * (centres**2).sum(axis=1)]
    value = module(at.value)
    linear = walk.add("Dense", at, value, weights, units=len(centres), use_bias=True)
    squares = walk.add("Dot", [at, at], at.value[:, :1], axes=1)
    scaled = walk.add("Rescaling", squares, squares.value, scale=-gamma, offset=0.0)
    return walk.add("Add", [linear, scaled], value)


def _residual(walk: KerasWalk, module: wide_resnet.Block, at: At) -> At:
    active = relu(walk, module, batch_norm(walk, module.norm1, at))
    out = batch_norm(walk, module.norm2, walk.convert(module.conv1, active))
    out = dropout(walk, module.dropout, relu(walk, module, out))
    out = walk.convert(module.conv2, out)
    kept = at if module.shortcut is None else conv(walk, module.shortcut, active)
    return walk.add("Add", [kept, out], out.value)


def _same_conv(walk: KerasWalk, module: efficientnet_lite.SameConv, at: At) -> At:
    return convolved(walk, module, at, module(at.value), "same")


def _inverted_residual(walk: KerasWalk, module: efficientnet_lite.Block, at: At) -> At:
    out = walk.convert(module.layers, at)
    return walk.add("Add", [at, out], out.value) if module.adds else out


def _members(walk: KerasWalk, module: Members, at: At) -> At:
    if module.mirror:
        mirror = mirrored(walk, at)
        pairs = [walk.convert_twice(member, at, mirror) for member in module.members]
        outputs = [output for pair in pairs for output in pair]
    else:
        outputs = [walk.convert(member, at) for member in module.members]
    return walk.add("Average", outputs, outputs[0].value) if len(outputs) > 1 else outputs[0]


def _imagenet_pixels(walk: KerasWalk, module: ImageNetPixels, at: At) -> At:
    height, width = module.size(*at.value.shape[2:])
    if at.value.shape[2:] != (height, width):
        value = torch.zeros(1, at.value.shape[1], height, width)
        at = walk.add("Resizing", at, value, height=height, width=width, interpolation="bilinear")
    if at.value.shape[1] == 1:
        at = walk.add("Concatenate", [at, at, at], at.value.expand(-1, 3, -1, -1), axis=-1)
    return walk.normalise(at, module.mean.flatten().numpy(), module.std.flatten().numpy())


def _transfer(walk: KerasWalk, module: Transfer, at: At) -> At:
    return walk.convert(module.head, walk.convert(module.backbone, at))


NETWORKS: dict[type[nn.Module], Convert] = {
    fastnet.HaarStem: _haar,
    fastnet.Group: _group,
    fastnet.GlobalMax: _global_max,
    fastnet.Scale: _scale,
    GlobalMean: _global_mean,
    RadialBasis: _radial_basis,
    wide_resnet.Block: _residual,
    efficientnet_lite.SameConv: _same_conv,
    efficientnet_lite.Block: _inverted_residual,
    Members: _members,
    ImageNetPixels: _imagenet_pixels,
    Transfer: _transfer,
}
"""Parts of dressform's networks, by exact type."""
