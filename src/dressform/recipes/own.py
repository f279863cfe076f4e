"""Our own recipes."""

from dressform.models.fastnet import FastNet
from dressform.training.recipe import Augment, Optim, Recipe, Schedule


def fast() -> Recipe:
    """The default: a good classifier in a few minutes on two cores.

    ``dressform train fast``. Epochs, rate and the rest were chosen on the 6,000 validation images (docs/log.md).
    """
    return Recipe(
        name="fast",
        model=FastNet(),
        epochs=8,
        batch_size=250,
        optim=Optim(kind="sgd", lr=0.2, momentum=0.85, nesterov=True, weight_decay=5e-4),
        schedule=Schedule(kind="linear", warmup=0.2),
        augment=Augment(alternate_flip=True),
        pixels="standardize",
        label_smoothing=0.02,
    )
