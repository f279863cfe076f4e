"""Tutorial 2: five networks. Batch size is Keras's default of 32; the text gives optimisers and epochs."""

from dataclasses import replace

from dressform.models.dense import Dense
from dressform.models.layered import CNN1, CNN2
from dressform.models.lenet5 import LENET5_RBF, LENET5_RELU
from dressform.training.recipe import Optim, Recipe


def simple_dense() -> Recipe:
    """``dressform train simple-dense``: plain SGD 1e-3, 5 epochs. Claimed: 83.86 %."""
    return Recipe(
        name="simple-dense", model=Dense(), epochs=5, batch_size=32, optim=Optim(kind="sgd", lr=1e-3, momentum=0.0), validation=0.05
    )


def cnn1() -> Recipe:
    """``dressform train cnn1``: Nadam 1e-3 (Keras's default), 8 epochs. Claimed: 91.6 %."""
    return Recipe(name="cnn1", model=CNN1, epochs=8, batch_size=32, optim=Optim(kind="nadam", lr=1e-3), validation=0.05)


def cnn2() -> Recipe:
    """``dressform train cnn2``: Adam 1e-3, 8 epochs. Claimed: 92.93 %."""
    return Recipe(name="cnn2", model=CNN2, epochs=8, batch_size=32, optim=Optim(kind="adam", lr=1e-3), validation=0.05)


def lenet5_rbf() -> Recipe:
    """``dressform train lenet5-rbf``: LeNet-5 with tanh and a radial-basis output, Adam 1e-3, 3 epochs. Claimed: 88.89 %."""
    return Recipe(name="lenet5-rbf", model=LENET5_RBF, epochs=3, batch_size=32, optim=Optim(kind="adam", lr=1e-3), validation=0.05)


def lenet5_relu() -> Recipe:
    """``dressform train lenet5-relu``: the modified LeNet-5, ReLU and softmax, Adam 1e-3, 3 epochs. Claimed: 90.55 %."""
    return replace(lenet5_rbf(), name="lenet5-relu", model=LENET5_RELU)
