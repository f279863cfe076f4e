"""Distillation: a teacher is trained first, and the network learns from its probabilities too."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

import dressform
from dressform.cli.progress import Progress
from dressform.core.config import override, to_dict
from dressform.core.errors import ConfigError, RunError
from dressform.data.dataset import DatasetSplits
from dressform.experiment.crossval.fold import _in_precision, chooses
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import check_trainable, resolve_recipe
from dressform.experiment.train_run import _trained_teacher
from dressform.exploration.saliency import load_network
from dressform.models.ensemble import Ensemble, Members
from dressform.models.fastnet import FastNet
from dressform.models.network import build_network, count_parameters
from dressform.recipes import find_recipe
from dressform.runs.run import open_run
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit
from dressform.training.history import Epoch
from dressform.training.inference import logits_of
from dressform.training.objective import Objective, SoftTargets
from dressform.training.recipe import Distillation, EarlyStopping, Recipe
from tests.training.test_parts import Interrupted, Told, check_resuming
from tests.training.undrawn import train_undrawn

CPU = torch.device("cpu")


class Stop(Callback):
    def on_epoch_end(self, epoch: Epoch) -> None:
        self.stop_training = True


def taught(**distillation: float) -> Recipe:
    teacher = replace(find_recipe("simple-dense"), name="teacher", epochs=2, batch_size=50)
    student: Recipe = override(
        find_recipe("fast-93"), ["epochs=2", "batch_size=100", "model.widths=8,8,8"]
    )
    return replace(
        student, name="taught", distillation=Distillation(teacher=teacher, **distillation)
    )


@pytest.mark.parametrize("weight", [0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_loss_is_that_of_the_paper(weight: float, temperature: float) -> None:
    draws = np.random.default_rng(0)
    of_teacher = draws.normal(size=(20, 5)).astype(np.float32) * 3
    logits = draws.normal(size=(4, 5)).astype(np.float32) * 3
    labels, indices = np.array([0, 4, 2, 2]), np.array([7, 0, 19, 7])
    losses = torch.zeros(20)
    objective = Objective(
        example_losses=losses,
        soft_targets=SoftTargets(torch.tensor(of_teacher), weight, temperature),
    )
    variable = torch.tensor(logits, requires_grad=True)
    loss = objective((variable,), torch.tensor(labels), torch.tensor(indices))

    own = log_softmax(logits / temperature, axis=1)
    soft = softmax(of_teacher[indices] / temperature, axis=1)
    divergence = (soft * (np.log(soft) - own)).sum(1)
    hard = -log_softmax(logits, axis=1)[range(4), labels]
    expected = (1 - weight) * hard + weight * temperature**2 * divergence
    assert loss.item() == pytest.approx(expected.mean(), rel=1e-5)
    assert losses[19].item() == pytest.approx(expected[2], rel=1e-5)

    loss.backward()
    one_hot = np.eye(5)[labels]
    gradient = (1 - weight) * (softmax(logits, axis=1) - one_hot)
    gradient += weight * temperature * (softmax(logits / temperature, axis=1) - soft)
    np.testing.assert_allclose(variable.grad, gradient / 4, atol=1e-5)


def test_members_learn_from_the_teacher_each(small: DatasetSplits) -> None:
    of_teacher, logits = torch.randn(9, 3), torch.randn(2, 4, 3)
    labels, indices = torch.tensor([0, 1, 2, 1]), torch.tensor([8, 3, 3, 0])
    soft_targets = SoftTargets(of_teacher, 0.5, 2.0)
    both = Objective(soft_targets=soft_targets)(tuple(logits), labels, indices)
    alone = [Objective(soft_targets=soft_targets)((one,), labels, indices) for one in logits]
    assert both.item() == pytest.approx(float(sum(alone)), rel=1e-6)


def test_a_teacher_is_trained_first_and_followed(small: DatasetSplits) -> None:
    recipe = taught(weight=1.0, temperature=1.0)
    assert recipe.distillation is not None
    assert small.test is not None
    told = Told()
    fitted = fit(recipe, small.train, small.test, callback=told)
    plain = fit(replace(recipe, distillation=None), small.train, small.test)
    teacher = fit(recipe.distillation.teacher, small.train, small.test)
    assert [row.epoch for row in fitted.history] == told.epochs == [1, 2, 3, 4]
    assert [row.val_loss for row in fitted.history[:2]] == [row.val_loss for row in teacher.history]
    assert (told.ends, fitted.epochs, recipe.all_epochs) == (1, 4, 4)

    answers = [
        softmax(logits_of(one.network, small.train, device=CPU), axis=1)
        for one in (teacher, fitted, plain)
    ]
    followed, alone = (np.abs(one - answers[0]).sum(1).mean() for one in answers[1:])
    assert followed < alone


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_resuming_changes_nothing(small: DatasetSplits, tmp_path: Path, epochs: int) -> None:
    check_resuming(taught(), small, tmp_path, epochs)


@pytest.mark.parametrize("recipe", [taught(), find_recipe("fast-93+simple-dense")])
def test_a_stop_leaves_no_network_untrained(recipe: Recipe, small: DatasetSplits) -> None:
    assert [row.epoch for row in fit(recipe, small.train, None, callback=Stop()).history] == [1, 2]


def test_a_run_has_the_student_alone(small: DatasetSplits, tmp_path: Path) -> None:
    recipe = taught()
    run = train_undrawn(recipe, small, out=tmp_path)
    assert run.manifest.results["epochs"] == 4
    assert run.manifest.resolved["distillation"]["teacher"]["name"] == "teacher"
    student = build_network(recipe.model, small.shape, 10)
    assert run.manifest.results["parameters"] == count_parameters(student)
    assert not list(run.path.rglob("checkpoint*"))


def test_a_teacher_s_finished_run_is_used(
    small: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = override(taught(), ["distillation.teacher.validation_fraction=0.05"])
    assert recipe.distillation is not None
    caplog.set_level(logging.INFO, "dressform")
    at_once = train_undrawn(recipe, small, out=tmp_path / "at-once")
    assert not [r for r in caplog.records if "was trained before" in r.message]
    teacher = train_undrawn(recipe.distillation.teacher, small, out=tmp_path)
    told = Told()
    after = train_undrawn(recipe, small, out=tmp_path, callback=told)
    assert f"the teacher was trained before: {teacher.path}" in caplog.text
    assert told.epochs == [3, 4]
    assert after.manifest.weights == at_once.manifest.weights
    rows = [[{**row, "seconds": 0} for row in run.history()] for run in (after, at_once)]
    assert rows[0] == rows[1]
    # Of another seed it is another teacher.
    told = Told()
    train_undrawn(recipe, small, seed=1, out=tmp_path, callback=told)
    assert told.epochs == [1, 2, 3, 4]
    # A changed file is not learned from.
    teacher.layout.last.write_bytes(b"")
    with pytest.raises(RunError, match=r"last\.safetensors was changed afterwards"):
        train_undrawn(override(recipe, ["epochs=1"]), small, out=tmp_path)


def test_teachers_of_every_kind(small: DatasetSplits) -> None:
    """An ensemble, a pair, and a teacher that was taught itself."""
    pair = override(find_recipe("fast-93+simple-dense"), ["epochs=1", "beside.epochs=1"])
    ensemble = replace(
        find_recipe("fast-93"),
        epochs=1,
        model=Ensemble(of=FastNet(widths=(8,)), members=2, mirror=True),
    )
    for teacher, epochs in ((pair, 3), (ensemble, 2), (override(taught(), ["epochs=1"]), 4)):
        student = override(find_recipe("fast-93"), ["epochs=1"])
        recipe = replace(student, distillation=Distillation(teacher=teacher))
        assert recipe.all_epochs == epochs
        _check_told(recipe, small)
    _check_told(replace(taught(), beside=override(find_recipe("cnn1"), ["epochs=1"])), small)


def _check_told(recipe: Recipe, small: DatasetSplits) -> None:
    """Each epoch is told once, in order."""
    told, numbers = Told(), list(range(1, recipe.all_epochs + 1))
    assert [row.epoch for row in fit(recipe, small.train, None, callback=told).history] == numbers
    assert told.epochs == numbers
    assert [done for done, _ in told.begun] == sorted({done for done, _ in told.begun})
    assert len(told.begun[-1][1]) == recipe.all_epochs
    assert told.ends == 1


def test_settings_reach_the_teacher() -> None:
    recipe = override(taught(), ["distillation.weight=0.5", "distillation.teacher.epochs=7"])
    assert recipe.distillation is not None
    assert (recipe.distillation.weight, recipe.distillation.teacher.epochs) == (0.5, 7)
    assert "distillation" not in to_dict(find_recipe("fast"))
    with pytest.raises(ConfigError, match=r"distillation\.weight is 0\.0; allowed: above 0, to 1"):
        override(recipe, ["distillation.weight=0"])
    for setting, first in (
        ("distillation.weight=0.5", "distillation.teacher"),
        ("beside.epochs=3", "beside"),
    ):
        with pytest.raises(ConfigError, match=rf"there is no .* here; set {first} first"):
            resolve_recipe("fast", [setting])


def test_a_teacher_is_a_setting(small: DatasetSplits, tmp_path: Path) -> None:
    settings = ["epochs=2", "distillation.teacher=simple-dense", "distillation.teacher.epochs=1"]
    run = train_undrawn("fast-93", small, settings=settings, out=tmp_path)
    assert run.manifest.results["epochs"] == 3
    written = replace(
        override(find_recipe("fast-93"), settings[:1]),
        distillation=Distillation(teacher=override(find_recipe("simple-dense"), ["epochs=1"])),
    )
    assert run.manifest.digest == resolve_recipe(written).digest
    student = load_network(open_run(run.path))
    assert count_parameters(student) == run.manifest.results["parameters"]
    alone = resolve_recipe("tiny", ["distillation=none"]).recipe
    assert alone.distillation is None
    assert alone.model == find_recipe("tiny").model


def test_an_interrupted_training_keeps_its_teacher(small: DatasetSplits, tmp_path: Path) -> None:
    recipe = taught()
    assert recipe.distillation is not None
    whole = train_undrawn(recipe, small, out=tmp_path / "whole")
    with pytest.raises(Interrupted):
        train_undrawn(recipe, small, out=tmp_path, callback=Told(3))
    train_undrawn(recipe.distillation.teacher, small, out=tmp_path, callback=Stop())
    resumed = train_undrawn(recipe, small, out=tmp_path, resume=True)
    assert resumed.manifest.weights == whole.manifest.weights
    assert resumed.manifest.results["epochs"] == 4


def test_a_checkpoint_belongs_to_a_teacher(small: DatasetSplits, tmp_path: Path) -> None:
    recipe = taught()
    assert recipe.distillation is not None
    files = TrainingFiles(checkpoint=tmp_path / "state.safetensors", key="k")
    with pytest.raises(Interrupted):
        fit(recipe, small.train, None, files=files, callback=Told(3))
    (tmp_path / "state-1.safetensors").unlink()
    other = train_undrawn(recipe.distillation.teacher, small, seed=5, out=tmp_path)
    files = replace(files, find_teacher=lambda _: other.path)
    with pytest.raises(RunError, match=r"state-2\.safetensors belongs to a training with other"):
        fit(recipe, small.train, None, files=files)


def test_a_stopped_teacher_is_not_used(small: DatasetSplits, tmp_path: Path) -> None:
    recipe = taught()
    assert recipe.distillation is not None
    train_undrawn(recipe.distillation.teacher, small, out=tmp_path, callback=Stop())
    assert train_undrawn(recipe, small, out=tmp_path).manifest.results["epochs"] == 4


@pytest.mark.parametrize(("patience", "stop", "used"), [(4, True, False), (1, False, True)])
def test_a_teacher_that_ended_early_is_used_only_if_its_patience_did(
    small: DatasetSplits, tmp_path: Path, patience: int, stop: bool, used: bool
) -> None:
    few = DatasetSplits("few", small.train.take(np.arange(100)))
    stopping = EarlyStopping(patience=patience, metric="val_accuracy")
    teacher = override(find_recipe("simple-dense"), ["epochs=4", "optim.lr=1e-9"])
    teacher = replace(teacher, early_stopping=stopping)
    callback = Stop() if stop else Callback()
    run = train_undrawn(teacher, few, out=tmp_path, callback=callback)
    assert run.manifest.results["epochs"] < 4
    found = _trained_teacher(run.manifest, RunOptions(out=tmp_path), teacher)
    assert (found == run.path) == used


def test_teachers_deep_inside_are_used(small: DatasetSplits, tmp_path: Path) -> None:
    """A teacher's teacher, and that of a network beside another."""
    inner = taught()
    assert inner.distillation is not None
    shared = ["distillation.teacher.validation_fraction=0.05"]
    outer = override(find_recipe("fast-93"), ["epochs=1"])
    outer = replace(outer, name="outer", distillation=Distillation(teacher=inner))
    pair = replace(inner, name="pair", beside=override(find_recipe("cnn1"), ["epochs=1"]))
    outer, pair = override(outer, ["distillation.teacher." + shared[0]]), override(pair, shared)
    train_undrawn(override(inner, shared).parts[0], small, out=tmp_path)
    for recipe, epochs in ((outer, [3, 4, 5]), (pair, [3, 4, 5])):
        told = Told()
        train_undrawn(recipe, small, out=tmp_path, callback=told)
        assert told.epochs == epochs


def test_what_is_no_recipe_is_refused() -> None:
    fast: Any = find_recipe("fast")
    for made, message in (
        (lambda: Distillation(teacher="fast"), "distillation.teacher is 'fast'; allowed: a Recipe"),
        (lambda: replace(fast, beside="fast-93"), "beside is 'fast-93'; allowed: a Recipe, such"),
        (lambda: replace(fast, distillation=fast), "distillation is .*; allowed: a Distillation"),
    ):
        with pytest.raises(ConfigError, match=message):
            made()


def test_the_disk_has_room_for_the_teacher_too(small: DatasetSplits) -> None:
    recipe = replace(taught(), beside=find_recipe("cnn1"))
    network, teachers = check_trainable(recipe, small)
    assert isinstance(network, Members)
    assert len(network.members) == 2
    teacher = build_network(find_recipe("simple-dense").model, small.shape, 10)
    assert [count_parameters(one) for one in teachers] == [count_parameters(teacher)]


def test_folds_have_one_precision_and_choose_on_no_tested_image() -> None:
    recipe = override(taught(), ["distillation.teacher.early_stopping.patience=2"])
    assert chooses(recipe)
    assert not chooses(taught())
    assert chooses(replace(find_recipe("fast"), beside=recipe.parts[0]))
    changed = _in_precision(replace(taught(), beside=find_recipe("fast")), "bfloat16")
    assert changed.beside is not None
    assert changed.distillation is not None
    parts = (changed, changed.beside, changed.distillation.teacher)
    assert [part.precision for part in parts] == ["bfloat16"] * 3
    kept = _in_precision(override(taught(), ["distillation.teacher.precision=float32"]), "bfloat16")
    assert kept.distillation is not None
    assert kept.distillation.teacher.precision == "float32"


def test_a_teacher_at_hand_is_no_resumed_training(
    small: DatasetSplits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = override(taught(), ["distillation.teacher.validation_fraction=0.05"])
    assert recipe.distillation is not None
    train_undrawn(recipe.distillation.teacher, small, out=tmp_path)
    capsys.readouterr()
    with Progress() as progress:
        train_undrawn(recipe, small, out=tmp_path, callback=progress)
    told = capsys.readouterr().err
    assert "epoch   3/4" in told
    assert "resumed" not in told


def test_weights_that_do_not_fit_are_named(small: DatasetSplits, tmp_path: Path) -> None:
    """A stranger's run, or one whose network's code has changed since."""
    run = train_undrawn("fast-93", small, settings=["epochs=1"], out=tmp_path)
    document = json.loads(run.layout.manifest.read_text())
    document["settings"].append("model.widths=8,8,8")
    run.layout.manifest.write_text(json.dumps(document))
    with pytest.raises(RunError, match=r"weights does not fit the network that its recipe builds"):
        load_network(open_run(run.path))


def test_a_setting_runs_no_file(tmp_path: Path) -> None:
    """A run of a stranger has settings too."""
    path = tmp_path / "mine.py"
    path.write_text("raise SystemExit('it ran')")
    for setting in ("distillation.teacher", "beside"):
        with pytest.raises(ConfigError, match=r"names a recipe of dressform's, not a file \(/"):
            resolve_recipe("fast", [f"{setting}={path}:recipe"])
        for reference in (str(path), f"{path}:recipe+fast", f"fast+{path}:recipe"):
            with pytest.raises(ConfigError, match="names a recipe of dressform's, not a file"):
                resolve_recipe("fast", [f"{setting}={reference}"])
        with pytest.raises(ConfigError, match="unknown recipe 'fst'; did you mean fast"):
            resolve_recipe("fast", [f"{setting}=fst"])


def test_tuning_refuses_what_has_two_trainings(small: DatasetSplits, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has a teacher, and tune searches"):
        dressform.tune(taught(), ["optim.lr=0.1,0.2"], small, trials=2, out=tmp_path)
    for space in ("distillation.teacher=fast,cnn1", "beside=fast,cnn1", "beside.epochs=1,2"):
        with pytest.raises(ConfigError, match="cannot be tuned: it adds a training"):
            dressform.tune("fast", [space], small, trials=2, out=tmp_path)
