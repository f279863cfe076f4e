"""What looking inside a run needs torch for, in a process of its own, so that programs without
torch can ask for it:

    python -P -m dressform.explore.torch_side RUN SPLIT OUT.npz [NEAREST [RECIPE_FILE]]

Writes maps of saliency, and with a number NEAREST > 0 the nearest training pictures of each
picture, by the features of an int8 copy of the network, which is three times as fast as the network
itself.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dressform.core.errors import ConfigError, DressformError, RunError
from dressform.core.files import write_npz
from dressform.data.dataset import Dataset
from dressform.explore.neighbours import Neighbours, nearest
from dressform.explore.points import data_of, learned_from
from dressform.explore.saliency import pixels_of, restore, saliency
from dressform.predict.int8 import Int8Network
from dressform.predictions.examples import examples_of
from dressform.runs.run import Run, open_run

CHECKED = 200
RANGES = 400
"""Training pictures that the ranges of int8 are taken from."""


def main() -> None:
    """Write what can be found; what is wrong with the rest is told on stderr, a line each."""
    path, split, out, count, recipe_file = (*sys.argv[1:], "0", "")[:5]
    try:
        run = open_run(path)
        data = data_of(run)
        pictures = examples_of(run.predictions(split), data, split)
        arrays = {}
        if int(count):
            arrays = _neighbours(run, pictures, learned_from(run, data), int(count))
        try:
            network = restore(run, recipe_file or None)
            _check_same(network, pictures.images, run, split)
            arrays["saliency"] = saliency(network, pictures.images)
        finally:
            write_npz(Path(out), arrays)
    except DressformError as error:
        sys.exit(str(error))


def _neighbours(
    run: Run, pictures: Dataset, reference: Dataset, count: int
) -> dict[str, NDArray[np.generic]]:
    """The nearest training pictures, or nothing where int8 cannot follow the network."""
    try:
        quick = Int8Network(run.layout.onnx, reference.images[:RANGES])
    except ConfigError:
        return {}
    found: Neighbours = nearest(
        quick.features(pictures.images),
        quick.features(reference.images),
        min(count, len(reference)),
    )
    return {
        "near": found.indices,
        "distance": found.distances,
        "reference": np.array([reference.digest]),
    }


def _check_same(network: nn.Module, images: NDArray[np.uint8], run: Run, split: str) -> None:
    """The recipe's code may have changed since: the network must still say what the run kept."""
    kept = run.predictions(split).logits[:CHECKED]
    with torch.no_grad():
        found = network(pixels_of(images[:CHECKED])).numpy()
    if not np.allclose(found, kept, rtol=1e-3, atol=1e-3 * max(1.0, float(np.abs(kept).max()))):
        raise RunError(
            f"{run.path} cannot be rebuilt: {run.manifest.reference} gives other logits today "
            f"than it did then"
        )


if __name__ == "__main__":
    main()
