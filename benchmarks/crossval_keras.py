"""The other side of crossval.py: tutorial 1's k-fold study in Keras on TensorFlow. Needs no dressform."""

import gzip
import json
import os
import statistics
import sys
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
    """Tutorial 1's baseline, 542,230 parameters, compiled as the tutorial has it."""
    model = keras.Sequential([keras.Input((28, 28, 1))])
    model.add(layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_uniform"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(100, activation="relu", kernel_initializer="he_uniform"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Print the folds' accuracies."""
    folds, epochs = int(sys.argv[1]), int(sys.argv[2])
    pixels = np.frombuffer(gzip.decompress((DATA / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((DATA / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    x = (pixels.reshape(-1, 28, 28, 1) / 255).astype("float32")
    y = keras.utils.to_categorical(labels, 10)
    parts = np.array_split(np.random.default_rng(1).permutation(len(x)), folds)
    accuracies = []
    for fold in range(folds):
        judged = parts[fold]
        learned = np.concatenate([part for i, part in enumerate(parts) if i != fold])
        model = network()
        model.fit(x[learned], y[learned], epochs=epochs, batch_size=32, validation_data=(x[judged], y[judged]), verbose=0)
        accuracies.append(float(model.evaluate(x[judged], y[judged], verbose=0)[1]))
        print(f"fold {fold + 1}: {accuracies[-1]:.4f}", file=sys.stderr, flush=True)
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    answer = {"mean": statistics.mean(accuracies), "accuracies": accuracies, "parameters": model.count_params()}
    print(json.dumps({**answer, "versions": versions}))


if __name__ == "__main__":
    main()
