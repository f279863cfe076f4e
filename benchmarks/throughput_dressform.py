"""One side of throughput.py."""

import json
import sys
from dataclasses import replace

import numpy as np

import dressform
from dressform.recipes import find_recipe
from dressform.training.fit import fit


def main() -> None:
    """Print images per second of the second epoch."""
    dressform.tune_process()  # as the command line does
    name, batch, images = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    train = dressform.load_data().train.take(np.arange(images))
    recipe = replace(find_recipe(name), epochs=2, batch_size=batch)
    fitted = fit(recipe, train, None, seed=0)
    print(
        json.dumps(
            {
                "images_per_second": images / fitted.history[-1].seconds,
                "parameters": dressform.count_parameters(dressform.build_model(recipe.model)),
                "precision": fitted.precision,
            }
        )
    )


if __name__ == "__main__":
    main()
