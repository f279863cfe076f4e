"""`crossval`: recipes become cross-validations on the same folds, in worker processes,
resumable.
"""

import contextlib
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from dressform.core import config
from dressform.core.arguments import whole_number
from dressform.core.clock import Deadline
from dressform.core.errors import ConfigError, RunError
from dressform.core.files import exclusive, make_folder, remove_leftovers
from dressform.data.archive import write_archive
from dressform.data.catalog import CATALOG
from dressform.data.dataset import DatasetSplits
from dressform.data.folds import make_folds
from dressform.experiment.crossval.fold import run_fold
from dressform.experiment.crossval.plan import Plan, Study, add_pass, is_finished, make_plan
from dressform.experiment.crossval.summary import summarise
from dressform.experiment.jobs.fold_job import (
    Event,
    FoldEpoch,
    FoldFinished,
    FoldJob,
    FoldResult,
    FoldStarted,
    TrainingSet,
)
from dressform.experiment.jobs.pool import choose_workers, run_jobs
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import ResolvedRecipe, check_trainable
from dressform.experiment.unfinished import (
    Facts,
    tell_nothing_to_continue,
    unfinished_crossvals,
)
from dressform.models.network import count_parameters
from dressform.runs.crossval import FORMAT, CrossvalRun
from dressform.runs.layout import CrossvalLayout, FoldLayout, crossval_folder, dataset_folder
from dressform.training.callback import Callback, Fold
from dressform.training.fit import reported_errors

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Pending:
    """A fold that is left to train."""

    study: Study
    job: FoldJob

    @property
    def fold(self) -> Fold:
        return Fold(self.study.name, self.job.repeat, self.job.fold)


def crossval(
    recipes: Sequence[ResolvedRecipe],
    data: DatasetSplits,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    options: RunOptions,
) -> list[CrossvalRun]:
    """Cross-validate recipes on the training split; test is not touched.

    Every recipe gets the same folds, which keep groups of examples together. Each fold starts from
    a network of its own, with weights from a seed of its own. A recipe that stops early or restores
    its best epoch chooses on a part of the fold's own training examples; any other learns from all
    of them, and the curves show the fold that is tested.

    Args:
        recipes: one or more; those that were given as objects are trained in this process, one
            after the other.
        data: its ``train`` split is divided.
        folds: K, 2 to 100.
        repeats: how many times, each with other folds, 1 to 1000.
        seed: of folds and training.
        options: where, on what, with how many workers; resuming repeats no finished fold, goes on
            with the unfinished ones and adds further repeats.

    Raises:
        RunError: there is such a cross-validation and ``resume`` is false, or it was made of other
            data.
        DressformError: anything else that the user has to know; finished folds are kept.
    """
    if not recipes:
        raise ConfigError("no recipe to cross-validate; name one or more of 'dressform recipes'")
    folds = whole_number("folds", folds, least=2, most=100)
    repeats = whole_number("repeats", repeats, least=1, most=1000)
    splits = [make_folds(data.train, folds, repeat=repeat, seed=seed) for repeat in range(repeats)]
    for repeat, split in enumerate(splits):
        for note in split.notes:
            logger.warning(f"repeat {repeat + 1}: {note}")
    studies = [_study(recipe, data, options.out, folds, seed) for recipe in recipes]
    _check_folders(studies, repeats, options)
    if options.resume and options.deadline is None:
        _check_resume(studies, data, options)
    here = options.deadline is not None or any(not study.recipe.named for study in studies)
    trainings = repeats * folds * len(studies)
    workers, threads = choose_workers(1 if here else options.workers, trainings, options.device)
    with contextlib.ExitStack() as held:
        held.callback(torch.set_num_threads, torch.get_num_threads())
        for study in studies:
            make_folder(study.layout.root)
            held.enter_context(exclusive(study.layout.lock))
            _tidy(study.layout)
        plans = [
            make_plan(study, data, splits, threads=threads, device=options.device)
            for study in studies
        ]
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        pending, finished = _pending(studies, plans, data, options)
        options.callback.on_folds_begin(
            [p.fold for p in pending], finished, min(workers, len(pending)), threads
        )
        clock = time.perf_counter()
        tell = _teller(pending, options.callback)
        if workers == 1:
            results = [
                _train_here(p, data, tell, index, options.deadline)
                for index, p in enumerate(pending)
            ]
        else:
            jobs = _with_data(pending, data, folder)
            results = run_jobs(jobs, workers=workers, threads=threads, tell=tell)
        seconds = time.perf_counter() - clock
        options.callback.on_phase_begin("summarising")
        for study in studies:
            add_pass(study.layout, results, seconds, workers)
        return [
            summarise(study.layout, data.train, plan.splits, folds, seed)
            for study, plan in zip(studies, plans, strict=True)
        ]


def _study(recipe: ResolvedRecipe, data: DatasetSplits, out: Path, folds: int, seed: int) -> Study:
    parameters = count_parameters(check_trainable(recipe.recipe, data)[0])
    folder = crossval_folder(out, data.name, recipe.recipe.name, recipe.digest, folds, seed)
    return Study(
        recipe=recipe,
        layout=CrossvalLayout(folder),
        folds=folds,
        seed=seed,
        parameters=parameters,
    )


def _check_folders(studies: Sequence[Study], repeats: int, options: RunOptions) -> None:
    if len({study.layout.root for study in studies}) < len(studies):
        raise ConfigError("a recipe was named twice; name each once")
    for study in studies:
        if is_finished(study.layout, repeats):
            logger.info(
                f"already finished, so this shows {study.layout.root}; for other folds, change "
                f"seed= or out="
            )
        elif study.layout.plan.exists() and not options.resume:
            raise RunError(
                f"{study.layout.root} already exists, with fewer folds or repeats; resume=True "
                f"continues it, or choose another seed= or out="
            )


def _check_resume(studies: Sequence[Study], data: DatasetSplits, options: RunOptions) -> None:
    """Say what there is where none of the studies was begun."""
    if any(study.layout.root.exists() for study in studies):
        return
    others = unfinished_crossvals(dataset_folder(options.out, data.name))
    for study in studies:
        recipe = study.recipe.recipe
        settings = {k: v for k, v in config.to_dict(recipe).items() if k != "name"}
        wanted = Facts(
            recipe.name, study.seed, data.train.digest, {"folds": study.folds, **settings}
        )
        tell_nothing_to_continue(wanted, data.name, others)


def _pending(
    studies: Sequence[Study], plans: Sequence[Plan], data: DatasetSplits, options: RunOptions
) -> tuple[list[_Pending], int]:
    """The folds that are left to train, and how many are finished."""
    pending, finished = [], 0
    for repeat in range(max(len(plan.splits) for plan in plans)):
        for fold in range(studies[0].folds):
            for study, plan in zip(studies, plans, strict=True):
                if repeat >= len(plan.splits):
                    continue
                layout = study.layout.fold(repeat, fold)
                if layout.result.exists():
                    finished += 1
                    continue
                digest = plan.splits[repeat].digest
                key = (study.recipe.digest, digest, str(repeat), str(fold), str(FORMAT))
                job = FoldJob(
                    recipe=study.recipe.reference,
                    settings=list(study.recipe.settings),
                    data=TrainingSet(digest=data.train.digest),
                    folds=study.folds,
                    repeat=repeat,
                    fold=fold,
                    folder=str(layout.root),
                    features=str(options.features),
                    seed=study.seed,
                    device=options.device,
                    threads=plan.threads,
                    precision=plan.precision,
                    key=config.digest(key),
                )
                pending.append(_Pending(study, job))
    return pending, finished


def _train_here(
    pending: _Pending,
    data: DatasetSplits,
    tell: Callable[[int, Event], None],
    index: int,
    deadline: Deadline | None,
) -> FoldResult:
    torch.set_num_threads(pending.job.threads)
    recipe = pending.study.recipe.recipe
    with reported_errors():
        result = run_fold(
            pending.job, recipe, data.train, lambda event: tell(index, event), deadline
        )
    tell(index, FoldFinished(result=result))
    return result


def _with_data(pending: Sequence[_Pending], data: DatasetSplits, folder: Path) -> list[FoldJob]:
    """The jobs, with the place where workers find the training set: its name, or a file."""
    if not pending:
        return []
    digest = data.train.digest
    if data.source in CATALOG:
        where = TrainingSet(digest=digest, source=data.source)
    else:
        path = folder / "train.npz"
        write_archive(path, DatasetSplits(data.name, data.train))
        where = TrainingSet(digest=digest, archive=str(path))
    return [replace(p.job, data=where) for p in pending]


def _teller(pending: Sequence[_Pending], callback: Callback) -> Callable[[int, Event], None]:
    """Tells a callback what the folds say."""

    def tell(index: int, event: Event) -> None:
        fold = pending[index].fold
        if isinstance(event, FoldStarted):
            callback.on_fold_begin(fold, event.done, event.epochs)
        elif isinstance(event, FoldEpoch):
            callback.on_fold_epoch_end(fold, event.epoch, event.val_accuracy)
        elif isinstance(event, FoldFinished):
            callback.on_fold_end(fold, event.result.accuracy, event.result.seconds)

    return tell


def _tidy(layout: CrossvalLayout) -> None:
    """Delete what a kill between two files left behind."""
    remove_leftovers(layout.root)
    for result in layout.root.glob(f"*/{layout.fold(0, 0).result.name}"):
        FoldLayout(result.parent).checkpoint.unlink(missing_ok=True)
