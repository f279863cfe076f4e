"""The other side of throughput.py: a tutorial's network in Keras on TensorFlow. Needs no
dressform.
"""

import json
import sys

from keras_networks import DATA, Clock, compiled, fit, read, versions


def main() -> None:
    """Print images per second of the second epoch."""
    name, batch, images = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    x, y = read(DATA, "train")
    model = compiled(name)
    clock = Clock()
    fit(model, x[:images], y[:images], batch=batch, epochs=2, callbacks=[clock])
    rate = images / clock.seconds
    print(
        json.dumps(
            {"images_per_second": rate, "parameters": model.count_params(), "versions": versions()}
        )
    )


if __name__ == "__main__":
    main()
