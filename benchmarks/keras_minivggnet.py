"""Tutorial 0 as published, in Keras on TensorFlow. Run by the Python of another environment; needs
no dressform.

    python keras_minivggnet.py DATA_FOLDER EPOCHS SEED

Prints a line of JSON for each epoch: its number, seconds of training, and the accuracy on the
10,000 test images, which the tutorial gives to Keras as validation data. Evaluation is not counted.
"""

import gzip
import json
import math
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
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

BATCH = 32


def network() -> Any:
    """MiniVGGNet, 1,679,082 parameters, as in the tutorial."""
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for filters in (32, 64):
        for _ in range(2):
            for layer in (
                layers.Conv2D(filters, 3, padding="same"),
                layers.Activation("relu"),
                layers.BatchNormalization(),
            ):
                model.add(layer)
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.25))
    for layer in (
        layers.Flatten(),
        layers.Dense(512),
        layers.Activation("relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
    ):
        model.add(layer)
    model.add(layers.Dense(10, activation="softmax"))
    return model


def read(folder: Path, part: str) -> tuple[Any, Any]:
    """Pixels float32 [N, 28, 28, 1] in 0..1 and one-hot labels."""
    images = np.frombuffer(
        gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16
    )
    labels = np.frombuffer(
        gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8
    )
    return (images.reshape(-1, 28, 28, 1) / 255).astype("float32"), keras.utils.to_categorical(
        labels, 10
    )


def fit(model: Any, x: Any, y: Any, *, batch: int, epochs: int, **options: Any) -> None:
    """model.fit with one iterator for all epochs, since TensorFlow 2.21 waits when one is let go
    of.

    Its autotuner wakes after 10 ms, 20 ms, 40 ms … and the iterator waits for it to wake once more,
    so that an epoch of arrays can take twice its time, most of which nothing is computed in
    (figures: docs/log.md, 25 November 2026).
    """
    data = ArrayDataAdapter(x, y, batch_size=batch, shuffle=True).get_tf_dataset().repeat()
    model.fit(data, steps_per_epoch=math.ceil(len(x) / batch), epochs=epochs, verbose=0, **options)


def batches(x: Any, y: Any = None, *, batch: int) -> Any:
    """What evaluate and predict of Keras make of arrays, without the autotuner that is waited
    for.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        ArrayDataAdapter(x, y, batch_size=batch, shuffle=False)
        .get_tf_dataset()
        .with_options(options)
    )


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Has the seconds of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop."""
        self.seconds = time.perf_counter() - self.start


class Tell(Clock):
    """Prints a line for each epoch, evaluated on the test images after the clock has stopped."""

    def __init__(self, test: Any) -> None:
        super().__init__()
        self.test = test

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop, evaluate and print."""
        super().on_epoch_end(epoch, logs)
        accuracy = float(self.model.evaluate(self.test, verbose=0)[1])
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        row = {
            "epoch": epoch + 1,
            "seconds": self.seconds,
            "test_accuracy": accuracy,
            "versions": versions,
            "iterators": 1,
        }
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Train and tell."""
    folder, epochs, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    keras.utils.set_random_seed(seed)
    (x, y), (test_x, test_y) = read(folder, "train"), read(folder, "t10k")
    model = network()
    # The tutorial's decay=lr/epochs of the old Keras is this schedule: lr / (1 + decay * step).
    rate = keras.optimizers.schedules.InverseTimeDecay(
        0.01, decay_steps=1, decay_rate=0.01 / epochs
    )
    model.compile(
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.SGD(rate, momentum=0.9),
        metrics=["accuracy"],
    )
    fit(
        model,
        x,
        y,
        batch=BATCH,
        epochs=epochs,
        callbacks=[Tell(batches(test_x, test_y, batch=256))],
    )


if __name__ == "__main__":
    main()
