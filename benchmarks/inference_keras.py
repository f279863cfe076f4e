"""The other side of inference.py: MiniVGGNet in Keras on TensorFlow with given weights. Needs no dressform.

python inference_keras.py WEIGHTS.npz BATCH ANSWER.npy
"""

import json
import statistics
import sys
import time

import numpy as np
from keras_networks import DATA, NETWORKS, read, versions


def main() -> None:
    """Print images per second and milliseconds for one image; write the predicted classes."""
    weights, batch = np.load(sys.argv[1]), int(sys.argv[2])
    model = NETWORKS["minivggnet"]()
    model.set_weights([weights[f"{i:03d}"] for i in range(len(weights.files))])
    x, _ = read(DATA, "t10k")
    predictions = model.predict(x, batch_size=batch, verbose=0)
    np.save(sys.argv[3], predictions.argmax(1))
    rates, single = [], []
    for _ in range(3):
        start = time.perf_counter()
        model.predict(x, batch_size=batch, verbose=0)
        rates.append(len(x) / (time.perf_counter() - start))
    for i in range(30):
        start = time.perf_counter()
        model.predict(x[i : i + 1], verbose=0)
        single.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"images_per_second": statistics.median(rates), "ms": statistics.median(single), "versions": versions()}))


if __name__ == "__main__":
    main()
