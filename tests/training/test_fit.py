"""The loop: it learns, it repeats itself bit for bit, and it goes on where it was killed."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dressform.core.config import override
from dressform.core.errors import ConfigError, RunError, TrainingError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.models.network import Classifier
from dressform.recipes import find_recipe
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit
from dressform.training.fitted import Fitted
from dressform.training.history import Epoch
from dressform.training.learning_data import pixel_statistics
from dressform.training.optim import learning_rate, make_optimizer
from dressform.training.recipe import (
    EMA,
    Augment,
    EarlyStopping,
    HardExamples,
    Optim,
    ProgressiveResizing,
    Recipe,
    Schedule,
)
from dressform.training.weight_average import WeightAverage
from tests.conftest import TINY
from tests.training.made import image_batches


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.fixture(scope="module")
def halves(small: DatasetSplits) -> tuple[Dataset, Dataset]:
    return small.train.take(np.arange(500)), small.train.take(np.arange(500, 600))


VARIANTS: dict[str, list[str]] = {
    "sgd": [],
    "adam": ["optim.kind=adam", "optim.lr=0.01"],
    "adamw": ["optim.kind=adamw", "optim.lr=0.01", "optim.weight_decay=0.1"],
    "nadam": ["optim.kind=nadam", "optim.lr=0.01"],
    "augmented": [
        "augment.shift=0.1",
        "augment.rotate=10",
        "augment.zoom=0.1",
        "augment.erase=0.5",
    ],
    "averaged": ["ema.decay=0.9", "ema.start=0.3"],
    "best": ["early_stopping.restore_best=true"],
    "bfloat16": ["precision=bfloat16"],
    "focused": ["hard_examples.fraction=0.7"],
}


class Killed(BaseException):
    """Stands for SIGKILL between two steps."""


class KillAt(Callback):
    def __init__(self, epoch: int, step: int) -> None:
        self._at = epoch, step
        self._now = 0

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        self._now = len(history)

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        if (self._now, step) == self._at:
            raise Killed

    def on_epoch_end(self, epoch: Epoch) -> None:
        self._now += 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_seed_same_bits_and_resuming_changes_nothing(
    variant: str, halves: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    recipe = override(find_recipe("fast"), [*TINY, "epochs=3", "optim.lr=0.05", *VARIANTS[variant]])
    dropout = override(
        find_recipe("minivggnet"),
        ["epochs=3", "batch_size=50", "model.widths=4", "model.dense=16", *VARIANTS[variant]],
    )
    for r in (recipe, dropout):
        undisturbed = fit(r, *halves, seed=3)
        again = fit(r, *halves, seed=3)
        assert same(undisturbed.last, again.last)
        checkpoint = tmp_path / f"{r.name}.safetensors"
        for kill in (KillAt(0, 4), KillAt(1, 7), KillAt(2, 1)):
            with pytest.raises(Killed):
                fit(r, *halves, seed=3, files=TrainingFiles(checkpoint=checkpoint), callback=kill)
        resumed = fit(r, *halves, seed=3, files=TrainingFiles(checkpoint=checkpoint))
        assert same(undisturbed.last, resumed.last)
        assert undisturbed.best is not None
        assert resumed.best is not None
        assert same(undisturbed.best, resumed.best)
        assert [replace(row, seconds=0) for row in undisturbed.history] == [
            replace(row, seconds=0) for row in resumed.history
        ]
        assert not same(undisturbed.last, fit(r, *halves, seed=4).last)


def test_it_learns_real_pictures(fashion: DatasetSplits) -> None:
    """A real training on a slice of the real images: 4,000 to learn from, 2,000 others to judge
    on.
    """
    assert fashion.test is not None
    recipe = override(find_recipe("fast"), ["epochs=4", "model.widths=16,32,64"])
    fitted = fit(
        recipe,
        fashion.train.take(np.arange(4000)),
        fashion.train.take(np.arange(6000, 8000)),
        seed=0,
    )
    accuracy = fitted.history[-1].val_accuracy
    assert accuracy is not None
    assert accuracy > 0.83
    assert fitted.history[-1].train_loss < fitted.history[0].train_loss


def test_kept_weights(halves: tuple[Dataset, Dataset]) -> None:
    recipe = override(
        find_recipe("fast"), [*TINY, "epochs=8", "optim.lr=3", "schedule.kind=constant"]
    )

    def trained(stopping: EarlyStopping) -> Fitted:
        return fit(replace(recipe, early_stopping=stopping), *halves, seed=0)

    losses = [row.val_loss for row in trained(EarlyStopping()).history]
    best = int(np.argmin([loss if loss is not None else np.inf for loss in losses]))
    assert best < 7, "this test needs a training whose last epoch is not its best"
    kept = trained(EarlyStopping(restore_best=True))
    assert kept.best is not None
    assert same(kept.best, kept.network.state_dict())
    assert not same(kept.last, kept.network.state_dict())
    stopped = trained(EarlyStopping(patience=1))
    assert len(stopped.history) == 1 + next(
        i for i in range(1, 8) if (losses[i] or 0) >= min(loss or 0 for loss in losses[:i])
    )


def test_averaged_weights_are_the_moving_average(halves: tuple[Dataset, Dataset]) -> None:
    plain = override(
        find_recipe("simple-dense"),
        ["epochs=1", "batch_size=250", "precision=float32", "pixels=unit"],
    )
    averaged = fit(replace(plain, ema=EMA(decay=0.5)), halves[0], None, seed=0).last
    # Two steps: average = 0.5 * (0.5 * w0 + 0.5 * w1) + 0.5 * w2.
    from dressform.models.network import build_network

    start = build_network(plain.model, halves[0].shape, 10, seed=0).state_dict()
    weights: list[dict[str, Tensor]] = []

    network = build_network(plain.model, halves[0].shape, 10, seed=0)
    optimizer = make_optimizer(network, plain.optim)
    for pixels, labels, _ in image_batches(halves[0], 250, plain.augment).epoch(0):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(pixels), labels).backward()
        optimizer.step()
        weights.append({k: v.clone() for k, v in network.state_dict().items()})
    for key, value in start.items():
        expected = 0.25 * value + 0.25 * weights[0][key] + 0.5 * weights[1][key]
        torch.testing.assert_close(averaged[f"network.{key}"], expected, rtol=1e-4, atol=1e-6)


def test_tied_weights_are_averaged_once() -> None:
    first, second = (nn.Linear(4, 4, bias=False) for _ in range(2))
    second.weight = first.weight
    classifier = Classifier(nn.Sequential(first, second), torch.zeros(1), torch.ones(1))
    average = WeightAverage(EMA(decay=0.9), classifier)
    before = first.weight.detach().clone()
    with torch.no_grad():
        first.weight.add_(1)
    average.update(classifier, 0.9)
    for weight in average.network.parameters():
        torch.testing.assert_close(weight, before + 0.1)


def test_a_loss_that_is_not_finite_stops_with_advice(halves: tuple[Dataset, Dataset]) -> None:
    recipe = override(
        find_recipe("lenet5-rbf"), ["optim.kind=sgd", "optim.lr=900", "precision=float32"]
    )
    with pytest.raises(
        TrainingError,
        match=r"the loss is (nan|inf) in epoch 1, step \d+; try a lower learning rate "
        r".*optim.lr=90",
    ):
        fit(recipe, *halves)


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_refused(
    halves: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    path = tmp_path / "c.safetensors"
    recipe = override(find_recipe("fast"), TINY)
    fit(recipe, *halves, files=TrainingFiles(checkpoint=path, key="one"))
    with pytest.raises(RunError, match="belongs to a training with other settings, data or seed"):
        fit(recipe, *halves, files=TrainingFiles(checkpoint=path, key="two"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RunError, match="cannot be read as safetensors"):
        fit(recipe, *halves, files=TrainingFiles(checkpoint=path, key="one"))


def test_without_validation_there_are_no_validation_figures(small: DatasetSplits) -> None:
    fitted = fit(override(find_recipe("fast"), TINY), small.train, None)
    assert fitted.best is None
    assert {row.val_loss for row in fitted.history} == {None}


def test_the_last_single_example_is_left_out(small: DatasetSplits) -> None:
    data = small.train.take(np.arange(101))
    batches = image_batches(data, 50)
    assert batches.steps(0) == 2
    assert sum(len(labels) for _, labels, _ in batches.epoch(0)) == 100
    fit(
        override(find_recipe("minivggnet"), ["epochs=1", "batch_size=50", "model.widths=4"]),
        data,
        None,
    )


def test_an_epoch_has_every_example_once_in_an_order_of_its_own(small: DatasetSplits) -> None:
    batches = image_batches(small.train, 64)
    orders = []
    for epoch in (0, 1, 0):
        pixels = torch.cat([p for p, _, _ in batches.epoch(epoch)])
        orders.append(pixels)
        assert pixels.shape == (600, 1, 28, 28)
        seen = (pixels * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        assert sorted(map(bytes, seen.reshape(600, -1))) == sorted(
            map(bytes, small.train.images.reshape(600, -1))
        )
    assert torch.equal(orders[0], orders[2])
    assert not torch.equal(orders[0], orders[1])


def test_pixel_statistics_are_those_of_numpy(small: DatasetSplits) -> None:
    mean, std = pixel_statistics(small.train)
    pixels = small.train.images.astype(np.float64) / 255
    assert (float(mean[0]), float(std[0])) == pytest.approx((pixels.mean(), pixels.std()), rel=1e-9)


def test_schedules() -> None:
    def rates(schedule: Schedule, steps: int = 10) -> list[float]:
        return [learning_rate(schedule, 2.0, step=i, steps=steps, epochs=4) for i in range(steps)]

    assert rates(Schedule()) == [2.0] * 10
    # decay = lr / epochs
    assert rates(Schedule(kind="inverse-time")) == pytest.approx(
        [2 / (1 + 0.5 * i) for i in range(10)]
    )
    assert rates(Schedule(kind="linear", warmup=0.2)) == pytest.approx(
        [1, 2, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25]
    )
    cosine = rates(Schedule(kind="cosine", final=0.1))
    assert cosine[0] == 2.0
    assert cosine[5] == pytest.approx(2 * 0.55)
    assert all(a > b for a, b in itertools.pairwise(cosine))


def test_weight_decay_spares_biases_and_norms() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    groups = make_optimizer(network, Optim(weight_decay=0.1)).param_groups
    assert [(g["weight_decay"], len(g["params"])) for g in groups] == [(0.1, 1), (0.0, 3)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optim(lr=0), "optim.lr is 0; allowed: above 0, to 1000"),
        (lambda: Schedule(warmup=1.0), "schedule.warmup is 1.0; allowed: 0 to below 1"),
        (
            lambda: ProgressiveResizing(start=0),
            "progressive_resizing.start is 0; allowed: above 0, to 1",
        ),
        (lambda: HardExamples(start=0), "hard_examples.start is 0; allowed: 1 or more"),
        (lambda: Augment(rotate=200), "augment.rotate is 200; allowed: 0 to 180 degrees"),
        (
            lambda: replace(find_recipe("fast"), batch_size=1),
            "batch_size is 1; allowed: 2 to 1,000,000",
        ),
        (
            lambda: replace(
                find_recipe("fast"), validation_fraction=0, early_stopping=EarlyStopping(patience=1)
            ),
            "validation_fraction is 0; allowed: above 0 with",
        ),
        (
            lambda: Recipe(
                name="My Recipe", model=find_recipe("fast").model, epochs=1, batch_size=2
            ),
            "name of the recipe is 'My Recipe'; allowed",
        ),
        (lambda: Optim(kind="adamm"), "unknown value 'adamm' of optim.kind; did you mean adam"),
        (lambda: Schedule(kind="cos"), "unknown value 'cos' of schedule.kind; did you mean"),
        (
            lambda: EarlyStopping(metric="val_los"),
            "unknown value 'val_los' of early_stopping.metric; did you mean val_loss",
        ),
        (
            lambda: replace(find_recipe("fast"), pixels="units"),
            "unknown value 'units' of pixels; did you mean unit",
        ),
        (
            lambda: Recipe(name="x", model=3, epochs=1, batch_size=2),
            "model is 3; allowed: a dataclass with build",
        ),
    ],
)
def test_recipes_refuse_values_out_of_range(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError, match=message):
        make()


def test_cuda_is_refused_where_there_is_none(halves: tuple[Dataset, Dataset]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ConfigError, match="torch finds no CUDA GPU here; allowed: auto, cpu"):
        fit(override(find_recipe("fast"), TINY), *halves, device="cuda")
    with pytest.raises(ConfigError, match="device is 'tpu'; allowed: auto, cpu, cuda"):
        fit(override(find_recipe("fast"), TINY), *halves, device="tpu")
