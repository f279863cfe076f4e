"""The tutorials' networks and data in Keras on TensorFlow, for the other side of the benchmarks.
Needs no dressform.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The command's own script is one for another Python, too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src" / "dressform" / "experiment"))

import keras
import tensorflow as tf
from keras import layers
from keras_minivggnet import Clock, batches, fit, read
from keras_minivggnet import network as minivggnet

DATA = Path(__file__).resolve().parent.parent / "data" / "fashion-mnist"


def baseline() -> Any:
    """Tutorial 1's baseline, 542,230 parameters."""
    model = keras.Sequential([keras.Input((28, 28, 1))])
    model.add(layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_uniform"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(100, activation="relu", kernel_initializer="he_uniform"))
    model.add(layers.Dense(10, activation="softmax"))
    return model


NETWORKS: dict[str, Callable[[], Any]] = {"minivggnet": minivggnet, "baseline-cnn": baseline}
"""By the recipe's name here."""


def compiled(name: str) -> Any:
    """The network with the tutorials' SGD and loss."""
    model = NETWORKS[name]()
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def versions() -> dict[str, str]:
    """Of Keras and TensorFlow."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


__all__ = ["DATA", "NETWORKS", "Clock", "batches", "compiled", "fit", "keras", "read", "versions"]
