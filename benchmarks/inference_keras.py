"""The other side of inference.py: MiniVGGNet in Keras on TensorFlow with given weights. Needs no
dressform.

python inference_keras.py WEIGHTS.npz BATCH ANSWER.npy
"""

import sys

import numpy as np
from keras_networks import DATA, NETWORKS, batches, read, versions
from timing import time_predictions


def main() -> None:
    """Print what time_predictions does."""
    weights, batch = np.load(sys.argv[1]), int(sys.argv[2])
    model = NETWORKS["minivggnet"]()
    if weights.files:
        model.set_weights([weights[f"{i:03d}"] for i in range(len(weights.files))])
    x, _ = read(DATA, "t10k")
    time_predictions(
        lambda images: model.predict(batches(images, batch=batch), verbose=0),
        x,
        sys.argv[3],
        versions=versions(),
    )


if __name__ == "__main__":
    main()
