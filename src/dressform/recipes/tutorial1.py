"""Tutorial 1: the baseline and its two variants, as final models (the k-fold study compares them).

The tutorial fits its final model on all 60,000 images; ours leave 5 % of them for the validation
curves.
"""

from dataclasses import replace

from dressform.models.baseline import BASELINE, BASELINE_SAME, BASELINE_SAME_64
from dressform.training.recipe import Optim, Recipe


def baseline_cnn() -> Recipe:
    """``dressform train baseline-cnn``: SGD 0.01, momentum 0.9, batch 32, 10 epochs, He-uniform.
    Claimed: 90.99 % (test).
    """
    return Recipe(
        name="baseline-cnn",
        model=BASELINE,
        epochs=10,
        batch_size=32,
        optim=Optim(kind="sgd", lr=0.01, momentum=0.9),
        validation_fraction=0.05,
    )


def baseline_cnn_same() -> Recipe:
    """``dressform train baseline-cnn-same``: with same padding. Claimed over folds only: about 91.2
    %.
    """
    return replace(baseline_cnn(), name="baseline-cnn-same", model=BASELINE_SAME)


def baseline_cnn_same_64() -> Recipe:
    """``dressform train baseline-cnn-same-64``: same padding and 64 filters. Claimed over folds
    only: about 91.2 %.
    """
    return replace(baseline_cnn(), name="baseline-cnn-same-64", model=BASELINE_SAME_64)
