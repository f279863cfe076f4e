"""Tutorial 0: MiniVGGNet.

The tutorial gives the test set to Keras as validation data. We never do: 5 % of the training images
draw the validation curves, and the test images are opened once, at the end.
"""

from dressform.models.minivggnet import MiniVGGNet
from dressform.training.recipe import Optim, Recipe, Schedule


def minivggnet() -> Recipe:
    """``dressform train minivggnet``: SGD 0.01, momentum 0.9, rate / (1 + 0.01 / 25 per step),
    batch 32, 25 epochs.

    Claimed: 94 % (test), Trouser near 100 %, Shirt about 81 %.
    """
    return Recipe(
        name="minivggnet",
        model=MiniVGGNet(),
        epochs=25,
        batch_size=32,
        optim=Optim(kind="sgd", lr=0.01, momentum=0.9),
        schedule=Schedule(kind="inverse-time"),
        validation_fraction=0.05,
    )
