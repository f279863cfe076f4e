"""One fold of a cross-validation: a fresh network, trained on all folds but one and tested on that
one.
"""

import functools
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from dressform.core.clock import Deadline
from dressform.core.errors import DataError, RunError
from dressform.core.files import read_json, remove_leftovers, sha256_file, write_json
from dressform.core.records import read_record
from dressform.core.rng import stream_seed
from dressform.data.archive import read_archive
from dressform.data.dataset import Dataset
from dressform.data.folds import Folds, make_folds
from dressform.data.source import load_data
from dressform.experiment.jobs.fold_job import (
    FoldEpoch,
    FoldJob,
    FoldResult,
    FoldStarted,
    Tell,
    TrainingSet,
)
from dressform.experiment.recorder import Recorder
from dressform.experiment.resolved import resolve_recipe
from dressform.predictions import Predictions
from dressform.runs.layout import FoldLayout
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.feature_extractor import FeatureExtractor
from dressform.training.fit import fit, reported_errors
from dressform.training.fitted import Fitted
from dressform.training.history import Epoch
from dressform.training.inference import logits_of
from dressform.training.learning_data import held_out
from dressform.training.recipe import Recipe, choosing_parts


class _Teller(Callback):
    """Passes on what the parent of a worker wants to know."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        self._tell(FoldStarted(done=len(history), epochs=len(steps)))

    def on_epoch_end(self, epoch: Epoch) -> None:
        self._tell(FoldEpoch(epoch=epoch.epoch, val_accuracy=epoch.val_accuracy))


def run_job(job: FoldJob, tell: Tell) -> FoldResult:
    """Train and test a fold in a worker process; see :func:`run_fold`."""
    torch.set_num_threads(job.threads)
    with reported_errors():
        recipe = resolve_recipe(job.recipe, job.settings).recipe
        return run_fold(job, recipe, _training_set(job.data), tell)


def run_fold(
    job: FoldJob, recipe: Recipe, dataset: Dataset, tell: Tell, deadline: Deadline | None = None
) -> FoldResult:
    """Train and test a fold, and keep its curves, predictions and result.

    A finished fold is not trained again; an interrupted one continues after its last finished
    epoch.

    Args:
        job: which fold, and where its files are.
        recipe: that ``job.recipe`` and ``job.settings`` stand for.
        dataset: the training set that is divided into folds.
        tell: told of each event.
        deadline: of the training.

    Returns:
        what result.json holds.

    Raises:
        OutOfTimeError: a strict deadline has passed; what was trained so far is continued from.
    """
    layout = FoldLayout(Path(job.folder))
    if layout.result.exists():
        return read_result(layout)
    layout.root.mkdir(parents=True, exist_ok=True)
    remove_leftovers(layout.root)
    recipe = _in_precision(recipe, job.precision)
    folds = _folds(dataset, job.folds, job.repeat, job.seed)
    train, test = (
        dataset.take(folds.train_indices(job.fold)),
        dataset.take(folds.test_indices(job.fold)),
    )
    learn, curves = train, test
    if chooses(recipe):
        inner = held_out(recipe, train, job.settings)
        assert inner.validation is not None
        learn, curves = inner.train, inner.validation
    files = TrainingFiles(checkpoint=layout.checkpoint, key=job.key, features=Path(job.features))
    fitted = fit(
        recipe,
        learn,
        curves,
        seed=stream_seed(job.seed, "crossval", job.repeat, job.fold),
        device=job.device,
        files=files,
        callback=Recorder(layout.results, _Teller(tell), deadline),
    )
    logits = _logits(recipe, fitted, test, Path(job.features))
    predictions = Predictions(test.ids, test.labels, logits, test.class_names, test.groups)
    predictions.save(layout.predictions)
    result = FoldResult(
        repeat=job.repeat,
        fold=job.fold,
        accuracy=float((predictions.predicted == test.labels).mean()),
        epochs=len(fitted.history),
        examples={"train": len(learn), "test": len(test)},
        seconds=round(sum(row.seconds for row in fitted.history), 3),
        threads=torch.get_num_threads(),
        device=fitted.device,
        precision=fitted.precision,
        peak_memory_mb=peak_memory_mb(),
        predictions_sha256=sha256_file(layout.predictions),
    )
    write_json(layout.result, asdict(result))
    for file in files.written():
        file.unlink()
    return result


def _logits(recipe: Recipe, fitted: Fitted, dataset: Dataset, folder: Path) -> NDArray[np.float32]:
    """Of the images as they are; from cached features where the network has a frozen backbone."""
    if not recipe.cached_features or recipe.beside is not None:
        return logits_of(fitted.network, dataset, device=torch.device("cpu"))
    extract = FeatureExtractor(
        fitted.network, recipe.augment, precision=fitted.precision, folder=folder
    )
    return extract(dataset.images).logits(fitted.network)


def read_result(layout: FoldLayout) -> FoldResult:
    """What a finished fold wrote.

    Raises:
        RunError: it, or the fold's predictions, were changed or taken away since.
    """
    advice = f"delete {layout.root} and run crossval with resume=True"
    result = read_record(FoldResult, read_json(layout.result), layout.result, advice=advice)
    try:
        digest = sha256_file(layout.predictions)
    except OSError as error:
        raise RunError(
            f"{layout.predictions} cannot be read ({error.strerror}); {advice}"
        ) from error
    if result.predictions_sha256 not in (None, digest):
        raise RunError(f"{layout.root} was changed since it was finished; {advice}")
    return result


def chooses(recipe: Recipe) -> bool:
    """Whether training looks at validation examples to decide something, in any of its parts."""
    return bool(choosing_parts(recipe))


def _in_precision(recipe: Recipe, precision: str) -> Recipe:
    """The recipe, and the others in it that leave theirs open, in one precision."""
    changed = replace(recipe, precision=precision)  # type: ignore[arg-type]
    beside, distillation = recipe.beside, recipe.distillation
    if beside is not None and beside.precision == "auto":
        changed = replace(changed, beside=_in_precision(beside, precision))
    if distillation is not None and distillation.teacher.precision == "auto":
        teacher = _in_precision(distillation.teacher, precision)
        changed = replace(changed, distillation=replace(distillation, teacher=teacher))
    return changed


@functools.lru_cache(maxsize=1)
def _training_set(spec: TrainingSet) -> Dataset:
    if spec.source is not None:
        dataset = load_data(spec.source).train
    else:
        dataset = read_archive(Path(spec.archive or ""))["train"]
    if dataset.digest != spec.digest:
        raise DataError(
            "the training data changed while the cross-validation was running; start it again into "
            "another out="
        )
    return dataset


_KNOWN: WeakKeyDictionary[Dataset, dict[tuple[int, int, int], Folds]] = WeakKeyDictionary()
"""Folds of datasets, as long as those are in use."""


def _folds(dataset: Dataset, k: int, repeat: int, seed: int) -> Folds:
    known = _KNOWN.setdefault(dataset, {})
    if (k, repeat, seed) not in known:
        known[k, repeat, seed] = make_folds(dataset, k, repeat=repeat, seed=seed)
    return known[k, repeat, seed]


def peak_memory_mb() -> int | None:
    """Largest resident memory of this process so far, or None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))
