"""Tutorial 2: five networks. The text gives optimisers and epochs, and neither batch size nor pixel
scale.

The batch size is Keras's default of 32. Pixels are standardised, chosen on validation images
(docs/log.md): with pixels in [0, 1] the dense network's plain SGD does not get near the claim in
five epochs.
"""

from typing import Any

from dressform.models.dense import Dense
from dressform.models.layered import CNN1, CNN2
from dressform.models.lenet5 import LENET5_RBF, LENET5_RELU
from dressform.training.recipe import Optim, Recipe


def _recipe(name: str, model: Any, epochs: int, optim: Optim) -> Recipe:
    return Recipe(
        name=name,
        model=model,
        epochs=epochs,
        batch_size=32,
        optim=optim,
        pixels="standardize",
        validation_fraction=0.05,
    )


def simple_dense() -> Recipe:
    """``dressform train simple-dense``: plain SGD 1e-3, 5 epochs. Claimed: 83.86 %."""
    return _recipe("simple-dense", Dense(), 5, Optim(kind="sgd", lr=1e-3, momentum=0.0))


def cnn1() -> Recipe:
    """``dressform train cnn1``: Nadam 1e-3 (Keras's default), 8 epochs. Claimed: 91.6 %."""
    return _recipe("cnn1", CNN1, 8, Optim(kind="nadam", lr=1e-3))


def cnn2() -> Recipe:
    """``dressform train cnn2``: Adam 1e-3, 8 epochs. Claimed: 92.93 %."""
    return _recipe("cnn2", CNN2, 8, Optim(kind="adam", lr=1e-3))


def lenet5_rbf() -> Recipe:
    """``dressform train lenet5-rbf``: LeNet-5 with tanh and a radial-basis output, Adam 1e-3, 3
    epochs. Claimed: 88.89 %.
    """
    return _recipe("lenet5-rbf", LENET5_RBF, 3, Optim(kind="adam", lr=1e-3))


def lenet5_relu() -> Recipe:
    """``dressform train lenet5-relu``: the modified LeNet-5, ReLU and softmax, Adam 1e-3, 3 epochs.
    Claimed: 90.55 %.
    """
    return _recipe("lenet5-relu", LENET5_RELU, 3, Optim(kind="adam", lr=1e-3))
