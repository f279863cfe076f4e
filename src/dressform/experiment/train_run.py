"""`train_run`: a recipe, data and a seed become a finished run directory, or an unfinished one that
can be resumed.
"""

import contextlib
import dataclasses
import functools
import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from dressform.core import config
from dressform.core.errors import DressformError, RunError, TrainingError
from dressform.core.files import exclusive, remove_leftovers, sha256_file
from dressform.data.dataset import DatasetSplits
from dressform.data.groups import count_groups, grouped_by
from dressform.experiment.artifacts import drop_checkpoint, write_artifacts
from dressform.experiment.options import RunOptions
from dressform.experiment.recorder import Recorder
from dressform.experiment.resolved import ResolvedRecipe, check_trainable
from dressform.experiment.unfinished import (
    facts_of_run,
    tell_nothing_to_continue,
    unfinished_runs,
)
from dressform.models.network import is_built_in
from dressform.predict.export import export_onnx
from dressform.runs.git import git_state
from dressform.runs.layout import Layout, dataset_folder, run_folder
from dressform.runs.manifest import (
    FORMAT,
    DatasetFacts,
    Manifest,
    TimeLimit,
    for_people,
    hardware,
    now,
    packages,
)
from dressform.runs.run import Run, open_run
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit, stopped_by
from dressform.training.fitted import Fitted
from dressform.training.learning_data import LearningData, learning_data
from dressform.training.lesson import read_epochs
from dressform.training.recipe import Recipe
from dressform.training.validation import out_of_patience

logger = logging.getLogger(__name__)

COPIES = 9
"""Of the weights: a checkpoint of weights, best and two moments, while the next is written, and one
to spare.
"""
OTHER_BYTES = 30_000_000
"""Of predictions, figures and features."""


def train_run(
    recipe: ResolvedRecipe,
    data: DatasetSplits,
    *,
    seed: int = 0,
    options: RunOptions,
) -> Run:
    """Train a recipe and keep everything.

    Args:
        recipe: with its settings.
        data: what to learn from and to evaluate on.
        seed: of weights, order, augmentation and dropout.
        options: where and on what; this run's folder is
            ``out/<dataset>/<recipe>-<digest>/seed<n>``.

    Returns:
        the finished run, without figures; one that was finished before is returned as it is.

    Raises:
        RunError: there is such a run already, unfinished, and ``resume`` is false; or it cannot be
            resumed.
        DressformError: anything else that the user has to know; the run then says ``failed``.
    """
    network, teachers = check_trainable(recipe.recipe, data)
    if not all(map(is_built_in, recipe.recipe.networks)):
        # A user's own network may use what ONNX has not: better said before training than after.
        with tempfile.TemporaryDirectory() as folder:
            export_onnx(network.eval(), data.train.images[:2], Path(folder) / "trial.onnx")
    learning = learning_data(recipe.recipe, data, recipe.settings)
    for note in learning.notes:
        logger.warning(note)
    manifest = _manifest(recipe, data, learning, seed)
    name, budget = recipe.recipe.name, options.budget
    layout = Layout(run_folder(options.out, data.name, name, recipe.digest, seed, budget))
    if layout.manifest.exists() and not options.resume:
        before = open_run(layout.root)
        _check_same_data(before.manifest, manifest, layout)
        if before.status != "finished":
            advice = "resume=True continues it"
            if before.status == "running":
                advice = "wait for it"
            raise RunError(
                f"{layout.root} already exists ({before.status}); {advice}, or choose another "
                f"seed= or out="
            )
    new = not layout.manifest.exists()
    if new and options.resume and options.deadline is None:
        others = unfinished_runs(dataset_folder(options.out, data.name))
        tell_nothing_to_continue(facts_of_run(manifest), data.name, others)
    layout.make_folders()
    if new:
        _check_room(layout, [network, *teachers])
    with exclusive(layout.lock):
        return _train_locked(recipe, learning, data, manifest, layout, options)


def _manifest(
    recipe: ResolvedRecipe, data: DatasetSplits, learning: LearningData, seed: int
) -> Manifest:
    parts = {"train": learning.train, "validation": learning.validation, "test": data.test}
    counts = {split: count_groups(part) for split, part in parts.items() if part is not None}
    return Manifest(
        recipe=recipe.recipe.name,
        reference=recipe.reference,
        settings=list(recipe.settings),
        resolved=config.to_dict(recipe.recipe),
        digest=recipe.digest,
        seed=seed,
        dataset=DatasetFacts(
            name=data.name,
            source=data.source or data.name,
            location=data.location,
            options=data.options,
            left_out=tuple((path, reason) for path, reason in data.left_out),
            shape=data.shape,
            class_names=data.class_names,
            digests={split: dataset.digest for split, dataset in data},
            hold_out_digest=learning.digest,
            examples={split: len(part or ()) for split, part in parts.items()},
            groups={split: count for split, count in counts.items() if count is not None},
            grouped_by=grouped_by(data),
            notes=tuple(data.notes),
        ),
        hardware=hardware(),
        packages=packages(),
        git=git_state(),
        started=now(),
    )


def _check_room(layout: Layout, networks: Sequence[nn.Module]) -> None:
    """Say before training, and not after the first epoch, that the disk is too full."""
    tensors = [t for network in networks for t in network.state_dict().values()]
    weights = sum(t.numel() * t.element_size() for t in tensors)
    needed, free = COPIES * weights + OTHER_BYTES, shutil.disk_usage(layout.root).free
    if free < needed:
        raise RunError(
            f"{layout.root} has {free / 1e6:,.0f} MB free, and a run of this network takes up to "
            f"{needed / 1e6:,.0f} MB; make room, or choose another out="
        )


def _train_locked(
    recipe: ResolvedRecipe,
    learning: LearningData,
    data: DatasetSplits,
    manifest: Manifest,
    layout: Layout,
    options: RunOptions,
) -> Run:
    if layout.manifest.exists():
        before = open_run(layout.root).manifest
        _check_same_data(before, manifest, layout)
        remove_leftovers(layout.root)
        if before.status == "finished":
            _check_whole(before, layout)
            drop_checkpoint(layout)  # which a kill after the last write may have left
            logger.info(
                f"already trained on {for_people(before.finished).replace(' ', ' at ', 1)}, so "
                f"this shows {layout.root}; for another "
                f"training, change seed= or out="
            )
            return Run(layout.root, before)
        manifest = dataclasses.replace(manifest, started=before.started)
    manifest.save(layout.manifest)
    callback = options.callback
    digests = sorted(manifest.dataset.digests.values())
    key = config.digest((manifest.digest, str(manifest.seed), *digests, str(FORMAT)))
    try:
        callback.on_run_begin(**manifest.dataset.examples)
        clock = time.perf_counter()
        fitted = fit(
            recipe.recipe,
            learning.train,
            learning.validation,
            seed=manifest.seed,
            device=options.device,
            files=TrainingFiles(
                checkpoint=layout.checkpoint,
                key=key,
                features=options.features,
                find_teacher=functools.partial(_trained_teacher, manifest, options),
            ),
            callback=Recorder(layout.results, callback, options.deadline),
        )
        epochs = sum(row.seconds for row in fitted.history)
        seconds = {"train": epochs, "fit": time.perf_counter() - clock}
        limit = _time_limit(fitted, recipe, options)
        manifest = dataclasses.replace(manifest, seconds=seconds, time_limit=limit)
        manifest = write_artifacts(fitted, learning, data, manifest, layout, options)
    except Exception as error:
        raise _failed(error, manifest, layout) from error
    return Run(layout.root, manifest)


def _trained_teacher(manifest: Manifest, options: RunOptions, teacher: Recipe) -> Path | None:
    """The finished run of a teacher on the same examples, with the same seed, if there is one that
    nobody stopped.
    """
    data, digest = manifest.dataset, config.digest(teacher)
    layout = Layout(run_folder(options.out, data.name, teacher.name, digest, manifest.seed))
    if not layout.manifest.exists():
        return None
    found = open_run(layout.root).manifest
    same = (found.dataset.digests, found.dataset.hold_out_digest, found.status)
    if same != (data.digests, data.hold_out_digest, "finished"):
        return None
    # With parts of its own, an early end is not known from the history of all.
    alone = len(teacher.parts) == 1
    ended = alone and out_of_patience(teacher.early_stopping, read_epochs(layout))
    if found.results.get("epochs") != teacher.all_epochs and not ended:
        return None
    _check_whole(found, layout)
    logger.info(f"the teacher was trained before: {layout.root}")
    return layout.root


def _time_limit(fitted: Fitted, recipe: ResolvedRecipe, options: RunOptions) -> TimeLimit | None:
    if options.budget is None:
        return None
    planned, trained = recipe.recipe.all_epochs, round(fitted.epochs, 2)
    if fitted.shortened:
        logger.warning(
            f"the clock ended the training after {trained:g} of {planned} planned epochs"
        )
    return TimeLimit(
        budget=options.budget,
        planned_epochs=planned,
        trained_epochs=trained,
        reached=fitted.shortened,
    )


def _failed(error: Exception, manifest: Manifest, layout: Layout) -> Exception:
    """The error to raise for one that a training ended with, after the manifest says so."""
    expected = isinstance(error, (DressformError, OSError))
    reason = str(error) if isinstance(error, DressformError) else stopped_by(error)
    if isinstance(error, OSError):
        reason = f"{type(error).__name__}: {error}"
    failed = dataclasses.replace(manifest, status="failed", finished=now(), error=reason)
    with contextlib.suppress(OSError):  # the reason is what counts
        failed.save(layout.manifest)
    return error if expected else TrainingError(f"{reason}, then continue with resume=True")


def _check_whole(manifest: Manifest, layout: Layout) -> None:
    for name, digest in manifest.weights.items():
        path = layout.weights / name
        if not path.is_file() or sha256_file(path) != digest:
            what = "was changed afterwards" if path.is_file() else "is missing"
            raise RunError(
                f"{layout.root} is finished, but its {path.name} {what}; delete that folder or "
                f"choose another out="
            )


def _check_same_data(before: Manifest, after: Manifest, layout: Layout) -> None:
    then, today = before.dataset, after.dataset
    if then.options != today.options and then.digests != today.digests:
        raise RunError(
            f"{layout.root} was trained on data that were read with "
            f"{then.options.arguments() or 'no options'}, not with "
            f"{today.options.arguments() or 'none'}; repeat them, or choose another out="
        )
    if (then.digests, then.hold_out_digest) != (today.digests, today.hold_out_digest):
        if None not in (then.location, today.location) and then.location != today.location:
            raise RunError(
                f"{layout.root} was trained on {then.location}, not on {today.location}, which has "
                f"the same name; choose another out="
            )
        raise RunError(
            f"{layout.root} was trained on different data; {today.name} has changed since; choose "
            f"another out="
        )
