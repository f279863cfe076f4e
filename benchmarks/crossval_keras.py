"""The other side of crossval.py: tutorial 1's k-fold study in Keras on TensorFlow. Needs no
dressform.
"""

import json
import statistics
import sys

import numpy as np
from keras_networks import DATA, batches, compiled, fit, read, versions


def main() -> None:
    """Print the folds' accuracies."""
    folds, epochs = int(sys.argv[1]), int(sys.argv[2])
    x, y = read(DATA, "train")
    parts = np.array_split(np.random.default_rng(1).permutation(len(x)), folds)
    accuracies = []
    for fold in range(folds):
        judged = parts[fold]
        learned = np.concatenate([part for i, part in enumerate(parts) if i != fold])
        model = compiled("baseline-cnn")
        held_out = batches(x[judged], y[judged], batch=32)
        fit(model, x[learned], y[learned], batch=32, epochs=epochs, validation_data=held_out)
        accuracies.append(float(model.evaluate(held_out, verbose=0)[1]))
        print(f"fold {fold + 1}: {accuracies[-1]:.4f}", file=sys.stderr, flush=True)
    answer = {
        "mean": statistics.mean(accuracies),
        "accuracies": accuracies,
        "parameters": model.count_params(),
    }
    print(json.dumps({**answer, "versions": versions()}))


if __name__ == "__main__":
    main()
