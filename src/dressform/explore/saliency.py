"""Where a network looked for its answer: HiResCAM on the last feature map that still has places in
it.

Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations"
(https://arxiv.org/abs/2011.08891): activation times gradient of the answer's logit, summed over
channels; unlike Grad-CAM's average of the gradients it credits no place that the answer does not
come from.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from dressform.core.config import override
from dressform.core.errors import RunError
from dressform.data.dataset import inference_batch_size
from dressform.models.efficientnet_lite import EfficientNetLite0
from dressform.models.network import Classifier, build_network
from dressform.models.vgg import VGG19
from dressform.recipes import RECIPES, find_recipe
from dressform.runs.run import Run
from dressform.training.checkpoint import load_weights

SIDE = 7
"""Maps of at least so many places a side are wanted; larger ones are averaged to at most twice
that.
"""
CHUNK = 200


def restore(run: Run, recipe_file: str | None = None) -> Classifier:
    """The trained network of a finished run, in evaluation mode.

    Args:
        run: whose manifest may be a stranger's: a file that it names is never run.
        recipe_file: ``file.py:function``, which made the run, where a file of the user's did; it is
            run.

    Raises:
        DressformError: its recipe is in a file that was not named, or cannot be found any more, or
            its weights are missing or do not fit.
    """
    manifest, layout = run.manifest, run.layout
    if recipe_file is None and manifest.reference not in RECIPES.names:
        raise RunError(
            f"the network of {run.path} is made by a file ({manifest.reference!r}), which is not "
            f"run unasked; if you trust it,"
            " name it with --recipe file.py:function"
        )
    recipe = override(find_recipe(recipe_file or manifest.reference), manifest.settings)
    shape, classes = manifest.dataset.shape, len(manifest.dataset.class_names)
    model = recipe.model
    if isinstance(model, EfficientNetLite0 | VGG19):
        model = replace(model, weights="none")  # the run has its own
    network = Classifier(
        build_network(model, shape, classes), torch.zeros(shape[2]), torch.ones(shape[2])
    )
    weights = (
        layout.best if recipe.early_stopping.restore_best and layout.best.exists() else layout.last
    )
    network.load_state_dict(load_weights(weights)[0])
    return network.eval()


def saliency(
    network: nn.Module,
    images: NDArray[np.uint8],
    *,
    progress: Callable[[int], object] = lambda done: None,
) -> NDArray[np.uint8]:
    """How much each place of each picture speaks for the network's own answer.

    Args:
        network: takes float [N, C, H, W] in [0, 1], gives logits [N, K]; in evaluation mode. Its
            weights are frozen.
        images: uint8 [N, H, W, C].
        progress: called with the number of pictures done.

    Returns:
        uint8 [N, h, w], 0 to 255 with 255 the strongest place of each picture (all 0 where nothing
        speaks for the answer); h and w at most 14.
    """
    network = network.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    place = _last_map(network, pixels_of(images[:2]))
    parts = []
    chunk = inference_batch_size(images.shape[1:], CHUNK)
    for start in range(0, len(images), chunk):
        pixels = pixels_of(images[start : start + chunk])
        kept, logits = _through(network, place, pixels)
        (gradient,) = torch.autograd.grad(logits.amax(dim=1).sum(), kept)
        strength = (kept.detach() * gradient).sum(dim=1, keepdim=True).relu()
        while min(strength.shape[2:]) > 2 * SIDE:
            strength = F.avg_pool2d(strength, 2, ceil_mode=True)
        top = strength.amax(dim=(2, 3), keepdim=True)
        scaled = torch.where(top > 0, 255 * strength / top.clamp_min(1e-30), torch.zeros(()))
        parts.append(scaled[:, 0].round().byte().numpy())
        progress(min(start + chunk, len(images)))
    return np.concatenate(parts)


def pixels_of(images: NDArray[np.uint8]) -> Tensor:
    """float32 [N, C, H, W] in [0, 1] of pictures uint8 [N, H, W, C]."""
    return torch.tensor(images).permute(0, 3, 1, 2).float().div_(255)


def _last_map(network: nn.Module, pixels: Tensor) -> nn.Module | None:
    """The layer whose output is the last map with SIDE places or more a side; None: the picture
    itself is the map.
    """
    found: list[nn.Module] = []

    def note(layer: nn.Module, given: object, output: object) -> None:
        if (
            isinstance(output, Tensor)
            and output.ndim == 4
            and min(output.shape[2:]) >= SIDE
            and output.dtype == torch.float32
        ):
            found.append(layer)

    hooks: list[RemovableHandle] = [
        layer.register_forward_hook(note)
        for layer in network.modules()
        if not list(layer.children())
    ]
    with torch.no_grad():
        network(pixels)
    for hook in hooks:
        hook.remove()
    return found[-1] if found else None


def _through(network: nn.Module, place: nn.Module | None, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The map at a place, as a leaf that gradients stop at, and the logits."""
    if place is None:
        pixels.requires_grad_()
        logits: Tensor = network(pixels)
        return pixels, logits
    kept: list[Tensor] = []

    def cut(layer: nn.Module, given: object, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[-1].clone()  # what follows may work in place

    hook = place.register_forward_hook(cut)
    try:
        logits = network(pixels)
    finally:
        hook.remove()
    return kept[-1], logits
