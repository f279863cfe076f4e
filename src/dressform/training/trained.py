"""Networks of finished runs, rebuilt from their recipe and weights."""

from dataclasses import replace

import torch

from dressform.models.efficientnet_lite import EfficientNetLite0
from dressform.models.network import Classifier, Shape, build_network
from dressform.models.pair import Pair
from dressform.models.vgg import VGG19
from dressform.runs.layout import Layout
from dressform.training.checkpoint import load_weights
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
        RunError: its weights are missing or damaged.
    """
    own = [  # the run has its own weights
        replace(model, weights="none") if isinstance(model, EfficientNetLite0 | VGG19) else model
        for model in recipe.networks
    ]
    model = own[0] if recipe.beside is None else Pair(of=tuple(own))
    network = Classifier(
        build_network(model, shape, classes), torch.zeros(shape[2]), torch.ones(shape[2])
    )
    weights = (
        layout.best if recipe.early_stopping.restore_best and layout.best.exists() else layout.last
    )
    network.load_state_dict(load_weights(weights)[0])
    return network.eval()
