"""Saliency and int8 features of a run, in a separate process, so that programs need not import
torch:

    python -P -m dressform.exploration.torch_worker RUN SPLIT OUT.npz [NEAREST [RECIPE_FILE]]

Writes maps of saliency, and with a number NEAREST > 0 the nearest training examples of each
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
from dressform.exploration.neighbours import Neighbours, nearest
from dressform.exploration.points import data_of, training_examples
from dressform.exploration.saliency import load_network, saliency, to_tensor
from dressform.predict.int8 import Int8Network
from dressform.predictions.examples import examples_of
from dressform.runs.run import Run, open_run

N_CHECKED = 200
N_CALIBRATION_IMAGES = 400
"""Training examples that the ranges of int8 are taken from."""


def main() -> None:
    """Write what can be computed; errors are printed to stderr, one line each."""
    path, split, out, count, recipe_file = (*sys.argv[1:], "0", "")[:5]
    try:
        run = open_run(path)
        data = data_of(run)
        examples = examples_of(run.predictions(split), data, split)
        arrays = {}
        if int(count):
            arrays = _neighbours(run, examples, training_examples(run, data), int(count))
        try:
            network = load_network(run, recipe_file or None)
            _check_same(network, examples.images, run, split)
            arrays["saliency"] = saliency(network, examples.images)
        finally:
            write_npz(Path(out), arrays)
    except DressformError as error:
        sys.exit(str(error))


def _neighbours(
    run: Run, examples: Dataset, reference: Dataset, k: int
) -> dict[str, NDArray[np.generic]]:
    """The nearest training examples, or nothing where int8 cannot follow the network."""
    try:
        int8_network = Int8Network(run.layout.onnx, reference.images[:N_CALIBRATION_IMAGES])
    except ConfigError:
        return {}
    neighbours: Neighbours = nearest(
        int8_network.features(examples.images),
        int8_network.features(reference.images),
        min(k, len(reference)),
    )
    return {
        "neighbours": neighbours.indices,
        "distances": neighbours.distances,
        "reference": np.array([reference.digest]),
    }


def _check_same(network: nn.Module, images: NDArray[np.uint8], run: Run, split: str) -> None:
    """The recipe's code may have changed, so check that the network still gives the run's
    logits.
    """
    expected = run.predictions(split).logits[:N_CHECKED]
    with torch.no_grad():
        logits = network(to_tensor(images[:N_CHECKED])).numpy()
    if not np.allclose(
        logits, expected, rtol=1e-3, atol=1e-3 * max(1.0, float(np.abs(expected).max()))
    ):
        raise RunError(
            f"{run.path} cannot be rebuilt: {run.manifest.reference} gives other logits than when "
            f"it was trained; restore the recipe's code"
        )


if __name__ == "__main__":
    main()
