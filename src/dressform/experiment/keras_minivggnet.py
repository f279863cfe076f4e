"""Tutorial 0 as published, in Keras on TensorFlow. Run by the Python of another environment; needs no dressform.

    python keras_minivggnet.py DATA_FOLDER EPOCHS SEED

Prints a line of JSON for each epoch: its number, seconds of training, and the accuracy on the 10,000 test images, which
the tutorial gives to Keras as validation data. Evaluation is not counted.
"""

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

BATCH = 32


def network() -> Any:
    """MiniVGGNet, 1,679,082 parameters, as in the tutorial."""
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


def read(folder: Path, part: str) -> tuple[Any, Any]:
    """Pixels float32 [N, 28, 28, 1] in 0..1 and one-hot labels."""
    images = np.frombuffer(gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    return (images.reshape(-1, 28, 28, 1) / 255).astype("float32"), keras.utils.to_categorical(labels, 10)


def main() -> None:
    """Train and tell."""
    folder, epochs, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    keras.utils.set_random_seed(seed)
    (x, y), (test_x, test_y) = read(folder, "train"), read(folder, "t10k")
    model = network()
    # The tutorial's decay=lr/epochs of the old Keras is this schedule: lr / (1 + decay * step).
    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=0.01 / epochs)
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.SGD(rate, momentum=0.9), metrics=["accuracy"])
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    for epoch in range(epochs):
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        seconds = time.perf_counter() - start
        accuracy = float(model.evaluate(test_x, test_y, batch_size=256, verbose=0)[1])
        row = {"epoch": epoch + 1, "seconds": seconds, "test_accuracy": accuracy, "versions": versions}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
