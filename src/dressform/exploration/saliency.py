"""Saliency maps: HiResCAM on the last feature map with spatial extent.

Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations"
(https://arxiv.org/abs/2011.08891): activation times gradient of the predicted class's logit, summed
over channels; unlike Grad-CAM, which averages gradients, it highlights only locations that
contribute to the prediction.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from dressform.core.config import override
from dressform.core.errors import RunError
from dressform.data.dataset import inference_batch_size
from dressform.models.network import Classifier
from dressform.recipes import find_recipe, is_named, named_recipe
from dressform.runs.run import Run
from dressform.training.recipe import Recipe
from dressform.training.trained import trained_network

MIN_MAP_SIDE = 7
"""Minimum side of the feature map; larger ones are average-pooled to at most twice this side.
"""
BATCH_SIZE = 200


def load_network(run: Run, recipe_file: str | None = None) -> Classifier:
    """The trained network of a finished run, in evaluation mode.

    Args:
        run: a run, possibly from a stranger: a file named by its manifest is never run.
        recipe_file: ``file.py:function`` that built the network, if a user's file did; it is run.

    Raises:
        DressformError: its recipe is in a file that was not named or no longer exists, or its
            weights are missing or do not fit.
    """
    manifest, layout = run.manifest, run.layout
    if recipe_file is None and not is_named(manifest.reference):
        raise RunError(
            f"the network of {run.path} is built by a file ({manifest.reference!r}), which is "
            f"only run on request; if you trust it, name it with recipe='file.py:function'"
        )
    recipe = override(
        find_recipe(recipe_file or manifest.reference),
        manifest.settings,
        named={Recipe: named_recipe},
    )
    shape, classes = manifest.dataset.shape, len(manifest.dataset.class_names)
    return trained_network(recipe, layout, shape, classes)


def check_same(
    network: nn.Module, images: NDArray[np.uint8], expected: NDArray[np.float32], run: Run
) -> None:
    """Compare a rebuilt network with the one that was trained: its recipe's code may have changed.

    Args:
        network: in evaluation mode.
        images: uint8 [N, H, W, C].
        expected: float32 [N, K], the logits that the run has for them.
        run: named in the message.

    Raises:
        RunError: the network gives other logits.
    """
    with torch.no_grad():
        logits = network(to_tensor(images)).numpy()
    scale = max(1.0, float(np.abs(expected).max()))
    if not np.allclose(logits, expected, rtol=1e-3, atol=1e-3 * scale):
        raise RunError(
            f"{run.path} cannot be rebuilt: {run.manifest.reference} gives other logits than when "
            f"it was trained; restore the recipe's code"
        )


def saliency(network: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much each location of each image supports the network's prediction.

    Args:
        network: takes float [N, C, H, W] in [0, 1], gives logits [N, K]; in evaluation mode. Its
            weights are frozen.
        images: uint8 [N, H, W, C].

    Returns:
        uint8 [N, h, w], 0 to 255, where 255 is the maximum of each image (all 0 if nothing supports
        the prediction); h and w at most 14.
    """
    network = network.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    layer = _last_map_layer(network, to_tensor(images[:2]))
    maps = []
    batch_size = inference_batch_size(images.shape[1:], BATCH_SIZE)
    for start in range(0, len(images), batch_size):
        pixels = to_tensor(images[start : start + batch_size])
        activation, logits = _forward_with_activation(network, layer, pixels)
        (gradient,) = torch.autograd.grad(logits.amax(dim=1).sum(), activation)
        attribution = (activation.detach() * gradient).sum(dim=1, keepdim=True).relu()
        while min(attribution.shape[2:]) > 2 * MIN_MAP_SIDE:
            attribution = F.avg_pool2d(attribution, 2, ceil_mode=True)
        maximum = attribution.amax(dim=(2, 3), keepdim=True)
        scaled = torch.where(
            maximum > 0, 255 * attribution / maximum.clamp_min(1e-30), torch.zeros(())
        )
        maps.append(scaled[:, 0].round().byte().numpy())
    return np.concatenate(maps)


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 [N, H, W, C] as float32 [N, C, H, W] in [0, 1]."""
    return torch.tensor(images).permute(0, 3, 1, 2).float().div_(255)


def _last_map_layer(network: nn.Module, pixels: Tensor) -> nn.Module | None:
    """The last layer whose output map has sides of at least MIN_MAP_SIDE; None if only the image
    itself has.
    """
    layers: list[nn.Module] = []

    def record(layer: nn.Module, inputs: object, output: object) -> None:
        if (
            isinstance(output, Tensor)
            and output.ndim == 4
            and min(output.shape[2:]) >= MIN_MAP_SIDE
            and output.dtype == torch.float32
        ):
            layers.append(layer)

    hooks: list[RemovableHandle] = [
        layer.register_forward_hook(record)
        for layer in network.modules()
        if not list(layer.children())
    ]
    with torch.no_grad():
        network(pixels)
    for hook in hooks:
        hook.remove()
    return layers[-1] if layers else None


def _forward_with_activation(
    network: nn.Module, layer: nn.Module | None, pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """The output of a layer, as a leaf tensor, and the logits."""
    if layer is None:
        pixels.requires_grad_()
        logits: Tensor = network(pixels)
        return pixels, logits
    activations: list[Tensor] = []

    def detach(_: nn.Module, inputs: object, output: Tensor) -> Tensor:
        activations.append(output.detach().requires_grad_())
        return activations[-1].clone()  # what follows may work in place

    hook = layer.register_forward_hook(detach)
    try:
        logits = network(pixels)
    finally:
        hook.remove()
    return activations[-1], logits
