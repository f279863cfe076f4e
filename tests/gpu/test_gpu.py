"""What is tested everywhere on the processor, on a GPU."""

import gc
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dressform.core.config import override
from dressform.data.dataset import Dataset
from dressform.kernels import dropout
from dressform.predict.export import export_onnx
from dressform.recipes import RECIPES, find_recipe
from dressform.training import step
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit
from dressform.training.fitted import Fitted
from dressform.training.recipe import Augment, Recipe
from tests.training.test_fit import KillAt, Killed, same

REHEARSED = os.environ.get("DRESSFORM_GPU_TESTS") == "cpu"
DEVICE = "cpu" if REHEARSED else "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not REHEARSED and not torch.cuda.is_available(), reason="needs a CUDA GPU"),
]

SMALL = {
    "fast": [
        "model.widths=8,8",
        "batch_size=20",
        "epochs=3",
        "optim.lr=0.05",
        "hard_examples.fraction=1",
    ],
    "minivggnet": ["model.widths=4", "model.dense=16", "batch_size=20", "epochs=3"],
}
VARIANTS: dict[str, list[str]] = {
    "float32": ["precision=float32"],
    "bfloat16": ["precision=bfloat16"],
    "sgd": ["optim.kind=sgd"],
    "adam": ["optim.kind=adam", "optim.lr=0.01"],
    "adamw": ["optim.kind=adamw", "optim.lr=0.01"],
    "nadam": ["optim.kind=nadam", "optim.lr=0.01"],
    "augmented": [
        "augment.flip=0.5",
        "augment.shift=0.1",
        "augment.rotate=10",
        "augment.erase=0.5",
        "augment.crop=2",
    ],
    "averaged": ["ema.decay=0.9", "ema.start=0.3"],
    "resized": ["progressive_resizing.start=0.6"],
    "hard examples": ["hard_examples.fraction=0.8"],
    "rare classes": ["class_weight_power=0.5"],
}


def pictures(count: int, shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> Dataset:
    """Noise around a picture of each class: something to learn."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    images = random.integers(0, 128, (classes, *shape))[labels] + random.integers(
        0, 128, (count, *shape)
    )
    ids = np.array([f"{i:05d}" for i in range(count)])
    return Dataset(images.astype(np.uint8), labels, ids, tuple(f"c{i}" for i in range(classes)))


def small_enough(name: str) -> Recipe:
    recipe: Recipe = find_recipe(name)
    if name.startswith("transfer"):  # whose weights may not be at hand
        recipe = override(recipe, ["model.weights=none", "model.side=32"])
    return replace(
        recipe,
        batch_size=16,
        validation_fraction=0.0,
        early_stopping=replace(recipe.early_stopping, patience=0, restore_best=False),
    )


@pytest.fixture
def no_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices draw other masks."""
    monkeypatch.setattr(dropout.Dropout, "forward", lambda layer, x: x)
    monkeypatch.setattr(nn.Dropout, "forward", lambda layer, x: x)


@pytest.mark.usefixtures("no_dropout")
@pytest.mark.parametrize("name", RECIPES.names)
def test_losses_are_those_of_the_processor(name: str) -> None:
    recipe = replace(small_enough(name), epochs=2, precision="float32", augment=Augment())
    # At its full rate rounding grows within four steps: noise of 1e-6 in every layer's output
    # changes the second loss of minivggnet by 6 %, at a hundredth of the rate by 0.004 %.
    recipe = replace(recipe, optim=replace(recipe.optim, lr=recipe.optim.lr / 100))
    on_gpu, on_cpu = (
        [row.train_loss for row in fit(recipe, pictures(32), None, device=device).history]
        for device in (DEVICE, "cpu")
    )
    assert on_gpu == pytest.approx(on_cpu, rel=5e-3)


@pytest.mark.parametrize(
    "name", ["fast", "minivggnet", "lenet5-rbf", "transfer-efficientnet-lite0", "large"]
)
@pytest.mark.parametrize(
    ("shape", "classes"), [((33, 17, 3), 5), ((8, 8, 1), 3), ((64, 48, 3), 200), ((1, 1, 1), 2)]
)
def test_any_size_and_class_count(name: str, shape: tuple[int, int, int], classes: int) -> None:
    # which would leave nothing of a single pixel
    recipe = replace(small_enough(name), epochs=2, augment=Augment())
    fitted = fit(recipe, pictures(48, shape, classes), None, device=DEVICE)
    assert np.isfinite(fitted.history[-1].train_loss)


def recipe_of(variant: str, name: str) -> Recipe:
    recipe: Recipe = override(find_recipe(name), [*SMALL[name], *VARIANTS[variant]])
    return recipe


@pytest.mark.parametrize(
    ("name", "variant"),
    [("fast", variant) for variant in VARIANTS]
    + [("minivggnet", v) for v in VARIANTS if v != "resized"],
)
def test_same_seed_same_bits_and_resuming_changes_nothing(
    name: str, variant: str, tmp_path: Path
) -> None:
    recipe, data, unseen = recipe_of(variant, name), pictures(190), pictures(50)

    def trained(checkpoint: Path | None = None, observer: KillAt | None = None) -> Fitted:
        return fit(
            recipe,
            data,
            unseen,
            seed=3,
            device=DEVICE,
            files=TrainingFiles(checkpoint=checkpoint),
            callback=observer,
        )

    undisturbed = trained()
    assert same(undisturbed.last, trained().last)
    checkpoint = tmp_path / "state.safetensors"
    for kill in (KillAt(0, 4), KillAt(1, 7), KillAt(2, 1)):
        with pytest.raises(Killed):
            trained(checkpoint, kill)
    assert same(undisturbed.last, trained(checkpoint).last)


def test_a_graph_that_is_garbage_does_not_end_a_recording() -> None:
    """One that the collector destroyed while another was recorded did."""
    recipe, data = recipe_of("float32", "fast"), pictures(190)
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(3):
            fit(recipe, data, None, device=DEVICE)
    finally:
        gc.set_threshold(*threshold)


@pytest.mark.parametrize("variant", VARIANTS)
def test_recorded_steps_learn_what_plain_ones_do(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, data = recipe_of(variant, "fast"), pictures(190)
    recorded = fit(recipe, data, None, seed=3, device=DEVICE)
    made = step.Step.__init__

    def plain(self: step.Step, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)
        self.graphs = None

    monkeypatch.setattr(step.Step, "__init__", plain)
    unrecorded = fit(recipe, data, None, seed=3, device=DEVICE)
    losses = [[row.train_loss for row in fitted.history] for fitted in (recorded, unrecorded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize("name", ["fast", "minivggnet", "transfer-efficientnet-lite0", "large"])
def test_an_export_computes_what_was_trained(name: str, tmp_path: Path) -> None:
    """`export_onnx` itself compares its file with the network, and refuses one that differs."""
    data = pictures(32)
    fitted = fit(replace(small_enough(name), epochs=1), data, None, device=DEVICE)
    assert export_onnx(fitted.network, data.images, tmp_path / "model.onnx") < 1e-2


def test_the_backbone_of_train_auto(tmp_path: Path) -> None:
    """Features of a frozen backbone are computed on the GPU, kept, and found again."""
    recipe = replace(small_enough("transfer-efficientnet-lite0"), epochs=2, cached_features=2)
    data, unseen = pictures(40, (32, 32, 3)), pictures(20, (32, 32, 3))
    first = fit(recipe, data, unseen, device=DEVICE, files=TrainingFiles(features=tmp_path))
    assert list(tmp_path.iterdir())
    again = fit(recipe, data, unseen, device=DEVICE, files=TrainingFiles(features=tmp_path))
    assert same(first.last, again.last)
