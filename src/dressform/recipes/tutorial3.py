"""Tutorial 3: a first and two complex CNNs; 48,000 images to train, 12,000 to validate."""

from dataclasses import replace

from dressform.models.baseline import FIRST_CNN
from dressform.models.layered import COMPLEX1, COMPLEX2
from dressform.training.recipe import Optim, Recipe


def first_cnn() -> Recipe:
    """``dressform train first-cnn``: Adam 1e-3. Claimed: 88.52 %.

    The text gives neither batch nor epochs of this one; these are the complex network's batch of
    512 and 10 epochs.
    """
    return Recipe(
        name="first-cnn",
        model=FIRST_CNN,
        epochs=10,
        batch_size=512,
        optim=Optim(kind="adam", lr=1e-3),
        validation_fraction=0.2,
    )


def complex1() -> Recipe:
    """``dressform train complex1``: Adam 1e-3, batch 512, 20 epochs. Claimed: 91.4 % train, 89 %
    validation.
    """
    return replace(first_cnn(), name="complex1", model=COMPLEX1, epochs=20)


def complex2() -> Recipe:
    """``dressform train complex2``: Adam 1e-3, batch 512, 50 epochs. Claimed: about 92 %
    validation.

    The text does not give this network's layers, only its log; the layers are ours.
    """
    return replace(first_cnn(), name="complex2", model=COMPLEX2, epochs=50)
