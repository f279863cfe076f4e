"""Networks of finished runs, rebuilt from their recipe and weights."""

from dataclasses import replace

import torch

from dressform.core.errors import RunError
from dressform.models.efficientnet_lite import EfficientNetLite0
from dressform.models.network import Classifier, Shape, build_network
from dressform.models.pair import Pair
from dressform.models.vgg import VGG19
from dressform.runs.layout import Layout
from dressform.training.checkpoint import Weights, load_weights
from dressform.training.fitted import MEMBER
from dressform.training.recipe import Recipe


def trained_network(recipe: Recipe, layout: Layout, shape: Shape, classes: int) -> Classifier:
    """The network of a finished run, with the weights that its recipe keeps, in evaluation mode.

    Args:
        recipe: that it was trained by.
        layout: of the run.
        shape: height, width and channels of its images.
        classes: number of logits.

    Raises:
        ConfigError: the network cannot be built.
        RunError: its weights are missing or damaged, or do not fit the network.
    """
    own = [  # the run has its own weights
        replace(model, weights="none") if isinstance(model, EfficientNetLite0 | VGG19) else model
        for model in recipe.networks
    ]
    model = own[0] if recipe.beside is None else Pair(of=tuple(own))
    network = Classifier(
        build_network(model, shape, classes), torch.zeros(shape[2]), torch.ones(shape[2])
    )
    try:
        network.load_state_dict(_kept_weights(recipe, layout))
    except RuntimeError as error:
        raise RunError(
            f"{layout.weights} does not fit the network that its recipe builds now: the network's "
            f"code, or the run's manifest.json, was changed since; train again into another out="
        ) from error
    return network.eval()


def _kept_weights(recipe: Recipe, layout: Layout) -> Weights:
    """Of the best epoch on validation or of the last one, as each network's recipe says."""
    owners = [recipe] if recipe.beside is None else [recipe, recipe.beside]
    is_best = [one.early_stopping.restore_best and layout.best.exists() for one in owners]
    if all(is_best) or not any(is_best):
        return load_weights(layout.best if is_best[0] else layout.last)[0]
    last, best = (load_weights(path)[0] for path in (layout.last, layout.best))
    of_best = tuple(MEMBER.format(i) for i, kept in enumerate(is_best) if kept)
    return {name: (best if name.startswith(of_best) else last)[name] for name in last}
