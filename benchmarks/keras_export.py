"""Whether Keras opens the `.keras` file of every recipe's network with the same predictions.

    python benchmarks/keras_export.py --keras PATH/TO/python [RECIPE…]

Networks have random weights, batch norm's statistics among them: equal predictions do not depend on
what was learned. Each predicts 64 test images; VGG19 and EfficientNet-Lite0 without the weights of
others.
"""

import argparse
import dataclasses
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from report import write_report
from torch import nn

import dressform
from dressform.models.network import Classifier, build_network, count_parameters
from dressform.predict.keras_networks import keras_graph_of
from dressform.recipes import RECIPES, entry, find_recipe

SHAPE = (28, 28, 1)
IMAGES = 64
TEMPERATURE = 1.25
TOLERANCE = 1e-4
"""Largest difference of a probability that counts as equal."""


def network_of(recipe: str) -> Classifier:
    """A recipe's network with random weights."""
    model = find_recipe(recipe).model
    if getattr(model, "weights", "none") != "none":
        model = dataclasses.replace(model, weights="none")
    network = Classifier(
        build_network(model, SHAPE, 10), torch.full((1,), 0.286), torch.full((1,), 0.353)
    ).eval()
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            for values, low in ((layer.weight.data, 0.5), (layer.running_var, 0.5)):
                assert values is not None
                values.uniform_(low, 1.5, generator=generator)
            for values in (layer.bias.data, layer.running_mean):
                assert values is not None
                values.normal_(0, 0.1, generator=generator)
    return network


def export(recipe: str, folder: Path, pixels: torch.Tensor) -> int:
    """Write ``recipe.keras`` and the logits that torch has; the number of parameters."""
    network = network_of(recipe)
    keras_graph_of(network, SHAPE, temperature=TEMPERATURE).save(
        folder / f"{recipe}.keras", recipe, ""
    )
    with torch.inference_mode():
        np.save(folder / f"{recipe}.npy", network(pixels).numpy())
    return count_parameters(network)


def main() -> None:
    """Export, let Keras open, and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*", default=list(RECIPES.names))
    parser.add_argument("--keras", required=True, help="Python of an environment with Keras")
    options = parser.parse_args()
    test = dressform.load_data("fashion-mnist").test
    assert test is not None
    images = test.images[:IMAGES]
    pixels = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
    script = Path(__file__).with_name("keras_open.py")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "images.npy", images)
        parameters = {recipe: export(recipe, folder, pixels) for recipe in options.recipes}
        command = [options.keras, str(script), str(folder), str(TEMPERATURE), *options.recipes]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    rows = {
        recipe: {"tutorial": entry(recipe).tutorial, "parameters": parameters[recipe], **row}
        for recipe, row in found["recipes"].items()
    }
    for recipe, row in rows.items():
        print(f"{recipe}: {row['max_probability_difference']:.2g}")
    unequal = [r for r, row in rows.items() if row["max_probability_difference"] > TOLERANCE]
    results = {
        "versions": found["versions"],
        "images": IMAGES,
        "tolerance": TOLERANCE,
        "equal": len(rows) - len(unequal),
        "recipes": rows,
    }
    write_report("keras-export", "python benchmarks/keras_export.py --keras PYTHON", results)
    if unequal:
        raise SystemExit(f"Keras predicts something else for {', '.join(unequal)}")


if __name__ == "__main__":
    main()
