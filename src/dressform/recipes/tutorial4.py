"""Tutorial 4: conv1, conv3 and conv4; 80 % to train, 20 % to validate, split seed 13; plain and
with augmentation.

The text names rotation, shift and zoom but not their ranges: 8 degrees and 8 % are ours. (The split
is drawn by our own generator from that seed, stratified, so its images are not the tutorial's.)
"""

from dataclasses import replace

from dressform.models.baseline import FIRST_CNN
from dressform.models.layered import CONV3, CONV4
from dressform.training.recipe import Augment, Optim, Recipe


def conv1() -> Recipe:
    """``dressform train conv1``: Adam 1e-3, batch 256, 10 epochs."""
    return Recipe(
        name="conv1",
        model=FIRST_CNN,
        epochs=10,
        batch_size=256,
        optim=Optim(kind="adam", lr=1e-3),
        validation_fraction=0.2,
        split_seed=13,
    )


def conv3() -> Recipe:
    """``dressform train conv3``: Adam 1e-3, batch 256, 10 epochs."""
    return replace(conv1(), name="conv3", model=CONV3)


def conv4() -> Recipe:
    """``dressform train conv4``: Adam 1e-3, batch 256, 10 epochs."""
    return replace(conv1(), name="conv4", model=CONV4)


def _augmented(recipe: Recipe) -> Recipe:
    augment = Augment(rotate=8, shift=0.08, zoom=0.08, start=recipe.epochs)
    return replace(
        recipe, name=f"{recipe.name}-augmented", epochs=recipe.epochs + 50, augment=augment
    )


def conv1_augmented() -> Recipe:
    """``dressform train conv1-augmented``: as conv1, then 50 more epochs with rotation, shift and
    zoom.
    """
    return _augmented(conv1())


def conv3_augmented() -> Recipe:
    """``dressform train conv3-augmented``: as conv3, then 50 more epochs with rotation, shift and
    zoom.
    """
    return _augmented(conv3())


def conv4_augmented() -> Recipe:
    """``dressform train conv4-augmented``: as conv4, then 50 more epochs with rotation, shift and
    zoom.
    """
    return _augmented(conv4())
