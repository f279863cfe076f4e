"""One recipe beside another: each is trained as if it were alone, and the model is their mean."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dressform
from dressform.core.clock import Deadline
from dressform.core.config import override, to_dict
from dressform.core.errors import ConfigError, TrainingError
from dressform.data.dataset import DatasetSplits
from dressform.exploration.saliency import check_same, load_network
from dressform.models.network import Classifier, build_network
from dressform.models.pair import Pair
from dressform.predict.predictor import Predictor
from dressform.recipes import find_recipe
from dressform.runs.layout import Layout
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles, save_weights, weights_of
from dressform.training.fit import _check_finite, fit
from dressform.training.fitted import MEMBER
from dressform.training.history import Epoch
from dressform.training.inference import logits_of
from dressform.training.recipe import Distillation, Recipe
from dressform.training.trained import trained_network
from dressform.training.validation import Validator

NAMES = "fast-93+simple-dense"
SETTINGS = (
    "epochs=2",
    "batch_size=100",
    "beside.epochs=1",
    "beside.batch_size=50",
    "beside.pixels=unit",  # each scales pixels in its own way
)


class Interrupted(BaseException):
    pass


class Told(Callback):
    """Notes what it is told, and stops a training after some epochs."""

    def __init__(self, epochs: int = 100) -> None:
        self.begun: list[tuple[int, list[int]]] = []
        self.epochs: list[int] = []
        self.ends = 0
        self._most = epochs

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        self.begun.append((len(history), list(steps)))

    def on_epoch_end(self, epoch: Epoch) -> None:
        self.epochs.append(epoch.epoch)
        if len(self.epochs) == self._most:
            raise Interrupted

    def on_train_end(self) -> None:
        self.ends += 1


def test_each_learns_as_if_it_were_alone(small: DatasetSplits) -> None:
    recipe = override(find_recipe(NAMES), SETTINGS)
    assert recipe.beside is not None
    told = Told()
    together = fit(recipe, small.train, small.test, callback=told)
    parts = [
        fit(part, small.train, small.test) for part in (replace(recipe, beside=None), recipe.beside)
    ]
    cpu = torch.device("cpu")
    logits = [logits_of(one.network, small.train, device=cpu) for one in (*parts, together)]
    np.testing.assert_allclose(logits[2], (logits[0] + logits[1]) / 2, atol=1e-5)
    for i, part in enumerate(parts):
        for name, tensor in part.last.items():
            assert torch.equal(together.last[f"network.members.{i}.{name}"], tensor)
    assert [row.epoch for row in together.history] == [1, 2, 3]
    assert told.epochs == [1, 2, 3]
    assert told.begun == [(0, [6, 3]), (2, [6, 3, 12])]  # the harder half
    assert told.ends == 1
    assert together.epochs == 3


def check_resuming(recipe: Recipe, small: DatasetSplits, folder: Path, epochs: int) -> None:
    """A training that is interrupted after some epochs ends as one that is not."""
    files = TrainingFiles(checkpoint=folder / "state.safetensors", key="k")
    with pytest.raises(Interrupted):
        fit(recipe, small.train, None, files=files, callback=Told(epochs))
    resumed = fit(recipe, small.train, None, files=files)
    whole = fit(recipe, small.train, None)
    assert all(torch.equal(resumed.last[name], tensor) for name, tensor in whole.last.items())
    assert [row.train_loss for row in resumed.history] == [row.train_loss for row in whole.history]
    assert len(files.written()) == 2


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_resuming_changes_nothing(small: DatasetSplits, tmp_path: Path, epochs: int) -> None:
    check_resuming(override(find_recipe(NAMES), SETTINGS), small, tmp_path, epochs)


def test_the_first_leaves_time_for_the_second(small: DatasetSplits) -> None:
    recipe = override(find_recipe(NAMES), ["epochs=100000", "beside.epochs=100000"])
    callback = Callback()
    callback.deadline = Deadline(at=time.monotonic() + 6.0)
    fitted = fit(recipe, small.train, None, callback=callback)
    assert callback.deadline.left() > -3
    assert fitted.shortened
    assert len(fitted.history) >= 2


def test_a_run_has_the_mean_in_all_its_files(small: DatasetSplits, tmp_path: Path) -> None:
    run = dressform.train(NAMES, small, settings=SETTINGS, out=tmp_path)
    assert run.path.parent.name.startswith("fast-93-and-simple-dense-")
    assert run.manifest.results["epochs"] == 3
    assert small.test is not None
    network = load_network(run)
    predictor = Predictor(run)
    logits = predictor.logits(small.test.images)
    check_same(network, small.test.images, logits, run)
    assert predictor.description.output.features is not None
    assert not list(run.path.rglob("checkpoint*"))
    study = dressform.crossval([NAMES], small, folds=2, settings=SETTINGS, out=tmp_path, workers=1)
    assert study[0].summary.repeats == 1
    assert not list(study[0].path.rglob("checkpoint*"))


@pytest.mark.parametrize("best", [(False, False), (True, False), (False, True), (True, True)])
def test_each_keeps_the_weights_that_its_recipe_says(
    tmp_path: Path, best: tuple[bool, bool]
) -> None:
    """Of its best epoch, or of its last one."""
    settings = ("early_stopping.restore_best", "beside.early_stopping.restore_best")
    recipe = override(
        find_recipe(NAMES), [f"{n}={one}".lower() for n, one in zip(settings, best, strict=True)]
    )
    layout, shape = Layout(tmp_path), (28, 28, 1)
    layout.make_folders()
    body = build_network(Pair(of=recipe.networks), shape, 10)
    weights = weights_of(Classifier(body, torch.zeros(1), torch.ones(1)))
    for file, value in ((layout.last, 2.0), (layout.best, 3.0)):
        save_weights(file, {name: torch.full_like(t, value) for name, t in weights.items()})
    network = trained_network(recipe, layout, shape, 10)
    for number, is_best in enumerate(best):
        prefix = MEMBER.format(number)
        kept = [t for name, t in network.state_dict().items() if name.startswith(prefix)]
        assert all(bool((t == (3.0 if is_best else 2.0)).all()) for t in kept)
        assert kept


@pytest.mark.parametrize("setting", ["patience=2", "restore_best=true"])
def test_without_validation_no_part_may_look_at_it(setting: str) -> None:
    recipe = override(find_recipe(NAMES), ["validation_fraction=0"])
    taught = override(
        find_recipe("simple-dense"),
        ["distillation.teacher=fast", "validation_fraction=0"],
        named={Recipe: find_recipe},
    )
    for one, prefix in ((recipe, "beside."), (taught, "distillation.teacher.")):
        with pytest.raises(ConfigError, match=f"validation_fraction is 0.0; .* with {prefix}early"):
            override(one, [f"{prefix}early_stopping.{setting}"])


def test_advice_names_the_part_that_it_is_for(small: DatasetSplits) -> None:
    settings = ["optim.kind=sgd", "optim.lr=900", "precision=float32"]
    bad = override(find_recipe("lenet5-rbf"), settings)
    base = override(find_recipe("simple-dense"), ["epochs=1", "batch_size=100"])
    train = small.train.take(np.arange(200))
    for recipe, prefix in (
        (replace(base, beside=bad), "beside."),
        (replace(base, distillation=Distillation(teacher=bad)), "distillation.teacher."),
        (
            replace(base, beside=replace(base, distillation=Distillation(teacher=bad))),
            "beside.distillation.teacher.",
        ),
    ):
        with pytest.raises(TrainingError, match=rf"settings=\['{prefix}optim\.lr=.*{prefix}prec"):
            fit(recipe, train, None)
    network = Classifier(nn.Linear(784, 10), torch.zeros(1), torch.full((1,), torch.nan))
    with pytest.raises(TrainingError, match=r"settings=\['beside\.optim\.lr="):
        _check_finite(network, 0, "beside.")
    network.network = nn.Sequential(nn.Flatten(), network.network)
    with pytest.raises(TrainingError, match=r"settings=\['beside\.optim\.lr="):
        Validator(train, None, "float32", "beside.")(network)


def test_what_it_is_called() -> None:
    recipe = find_recipe(NAMES)
    assert to_dict(recipe)["beside"]["name"] == "simple-dense"
    assert "beside" not in to_dict(find_recipe("fast-93"))
    with pytest.raises(ConfigError, match="beside.beside"):
        replace(recipe, beside=recipe)
    with pytest.raises(ConfigError, match="simple-dense"):
        find_recipe("fast-93+simple-dens")
