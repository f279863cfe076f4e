"""Networks that are the user's: of either memory format, and exported before they are trained."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dressform.core.errors import TrainingError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.experiment import artifacts, train_run
from dressform.models.ensemble import Ensemble
from dressform.models.fastnet import FastNet
from dressform.models.network import Contiguous, as_contiguous, build_network, is_built_in
from dressform.models.pair import Pair
from dressform.predict.predictor import Predictor
from dressform.recipes import RECIPES, find_recipe
from dressform.training.fit import fit
from dressform.training.inference import logits_of
from dressform.training.recipe import Optim, Recipe
from dressform.training.trained import trained_network
from tests.training.test_parts import Told
from tests.training.undrawn import train_undrawn


class Viewed(nn.Module):
    """PyTorch's commonest idiom."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 6, 5)
        self.dense = nn.Linear(6 * 12 * 12, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.max_pool2d(torch.relu(self.convolution(x)), 2)
        logits: Tensor = self.dense(x.view(x.size(0), -1))
        return logits


class Volume(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(1, 4, (1, 3, 3))
        self.dense = nn.Linear(4 * 26 * 26, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.dense(self.convolution(x[:, None]).flatten(1))
        return logits


@dataclass(frozen=True, kw_only=True)
class Config:
    kind: str = "viewed"

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Viewed(shape[2], classes) if self.kind == "viewed" else Volume(classes)


def recipe(model: Any) -> Recipe:
    optim = Optim(kind="adam", lr=0.01)
    return Recipe(
        name="mine", model=model, epochs=2, batch_size=50, precision="float32", optim=optim
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_that_views_what_a_convolution_gives(small: DatasetSplits, channels: int) -> None:
    images = small.train.images[:100].repeat(channels, axis=3)
    data = Dataset.from_arrays(images, small.train.labels[:100], class_names=small.class_names)
    fitted = fit(recipe(lambda shape, classes: Viewed(shape[2], classes)), data, data)
    assert isinstance(fitted.network.network, Contiguous)
    plain = Viewed(channels, len(data.class_names))
    plain.load_state_dict(fitted.network.network.network.state_dict())
    pixels = as_contiguous(torch.tensor(data.images).permute(0, 3, 1, 2) / 255)
    with torch.no_grad():
        expected = plain(pixels).numpy()
    logits = logits_of(fitted.network, data, device=torch.device("cpu"))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert fitted.history[1].train_loss < fitted.history[0].train_loss


def test_it_is_kept_as_any_other(small: DatasetSplits, tmp_path: Path) -> None:
    few = DatasetSplits("few", small.train.take(np.arange(100)))
    run = train_undrawn(replace(recipe(Config()), epochs=1), few, out=tmp_path)
    logits = Predictor(run).logits(small.train.images[:20])
    network = trained_network(recipe(Config()), run.layout, small.shape, 10)
    expected = logits_of(network, small.train.take(np.arange(20)), device=torch.device("cpu"))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_each_member_of_an_ensemble_of_it_learns_as_if_it_were_alone(small: DatasetSplits) -> None:
    network = build_network(Ensemble(of=Config(), members=2), (28, 28, 1), 10)
    assert isinstance(network, Contiguous)
    fitted = fit(recipe(Ensemble(of=Config(), members=2)), small.train, None).network
    pixels = torch.rand(2, 28, 28, 1).permute(0, 3, 1, 2)
    assert len(fitted.member_logits(pixels)) == 2


def test_weights_of_five_dimensions(small: DatasetSplits) -> None:
    fitted = fit(recipe(Config(kind="volume")), small.train, None)
    assert not isinstance(fitted.network.network, Contiguous)


def test_which_networks_are_built_in() -> None:
    assert all(is_built_in(find_recipe(name).model) for name in RECIPES.names)
    assert is_built_in(Pair(of=(FastNet(), Ensemble())))
    for own in (Config(), Ensemble(of=Config()), Pair(of=(FastNet(), Config())), Viewed):
        assert not is_built_in(own)


def refuse(*_: object, **__: object) -> float:
    raise TrainingError("it cannot be exported")


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, model=Config()),
        lambda one: replace(one, model=Config().build),
        lambda one: replace(one, beside=recipe(Config())),
        lambda one: replace(one, model=Ensemble(of=Config())),
    ],
)
def test_what_onnx_has_not_is_told_before_training(
    change: Callable[[Recipe], Recipe],
    small: DatasetSplits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train_run, "export_onnx", refuse)
    told = Told()
    with pytest.raises(TrainingError, match="it cannot be exported"):
        train_undrawn(change(find_recipe("simple-dense")), small, out=tmp_path, callback=told)
    assert not told.begun
    assert not list(tmp_path.iterdir())


def test_test_images_are_not_looked_at_where_the_export_fails(
    small: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "export_onnx", refuse)
    with pytest.raises(TrainingError, match="it cannot be exported"):
        train_undrawn("simple-dense", small, settings=["epochs=1"], out=tmp_path)
    assert not (tmp_path / "test-ledger.jsonl").exists()
