"""The other side of throughput.py: tutorial 0's MiniVGGNet in Keras on TensorFlow. Needs no dressform."""

import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

DATA = Path(__file__).resolve().parent.parent / "data" / "fashion-mnist"


def network() -> Any:
    """MiniVGGNet, 1,679,082 parameters."""
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for filters in (32, 64):
        for _ in range(2):
            for layer in (layers.Conv2D(filters, 3, padding="same"), layers.Activation("relu"), layers.BatchNormalization()):
                model.add(layer)
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.25))
    for layer in (layers.Flatten(), layers.Dense(512), layers.Activation("relu"), layers.BatchNormalization(), layers.Dropout(0.5)):
        model.add(layer)
    model.add(layers.Dense(10, activation="softmax"))
    return model


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds = time.perf_counter() - self.began


def main() -> None:
    """Print images per second of the second epoch."""
    batch, images = int(sys.argv[1]), int(sys.argv[2])
    pixels = np.frombuffer(gzip.decompress((DATA / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((DATA / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    x = (pixels.reshape(-1, 28, 28, 1)[:images] / 255).astype("float32")
    y = keras.utils.to_categorical(labels[:images], 10)
    model = network()
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    clock = _Clock()
    model.fit(x, y, batch_size=batch, epochs=2, verbose=0, callbacks=[clock])
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    print(json.dumps({"images_per_second": images / clock.seconds, "parameters": model.count_params(), "versions": versions}))


if __name__ == "__main__":
    main()
