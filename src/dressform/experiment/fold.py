"""One fold of a cross-validation: a fresh model, trained on all folds but one and judged on that
one.
"""

import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dressform.core.errors import DataError, RunError
from dressform.core.files import read_json, remove_leftovers, sha256_file, write_json
from dressform.core.records import read_record
from dressform.core.rng import stream_seed
from dressform.data.archive import read_archive
from dressform.data.dataset import Dataset
from dressform.data.folds import Folds, make_folds
from dressform.data.source import load_data
from dressform.experiment.learning_data import held_out
from dressform.experiment.recorder import Recorder
from dressform.experiment.resolved import resolve_recipe
from dressform.experiment.worker import Tell
from dressform.predictions import Predictions
from dressform.runs.layout import FoldLayout
from dressform.training.feature_cache import extract_features
from dressform.training.fit import Fitted, fit
from dressform.training.history import Epoch, Silent
from dressform.training.inference import logits_of
from dressform.training.recipe import Recipe


@dataclass(frozen=True)
class FoldResult:
    """The fields of result.json that are read again."""

    accuracy: float
    epochs: int
    seconds: float
    predictions_sha256: str | None = None
    peak_memory_mb: int | None = None


class TellObserver(Silent):
    """An observer that passes on what a worker's parent wants to know."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def looking(self, done: int, total: int) -> None:
        """Nothing."""

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Tell how far it goes."""
        self._tell({"event": "started", "done": len(done), "epochs": len(steps)})

    def step(self, step: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, result: Epoch) -> None:
        """Tell the epoch's scores."""
        row = {
            "epoch": result.epoch,
            "val_accuracy": result.val_accuracy,
            "train_loss": result.train_loss,
        }
        self._tell({"event": "epoch", **row})


def run_job(job: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Train and judge a fold, and keep its curves, predictions and result.

    A finished fold is not trained again, an interrupted one goes on after its last finished epoch.

    Args:
        job: ``recipe`` (a name, ``file.py:function`` or a Recipe), ``settings``, ``data`` (see
            :func:`training_set`), ``folder``, ``k``, ``repeat``, ``fold``, ``seed``, ``device``,
            ``threads``, ``precision``, ``cache`` (folder of features that a frozen backbone gave)
            and ``key``, which the checkpoint must belong to.
        tell: told of the progress.

    Returns:
        what result.json holds.
    """
    torch.set_num_threads(job["threads"])
    layout = FoldLayout(Path(job["folder"]))
    if layout.result.exists():
        return read_result(layout)
    layout.root.mkdir(parents=True, exist_ok=True)
    remove_leftovers(layout.root)
    recipe = replace(
        resolve_recipe(job["recipe"], job["settings"]).recipe, precision=job["precision"]
    )
    dataset = (
        training_set(json.dumps(job["data"])) if isinstance(job["data"], dict) else job["data"]
    )
    folds = _folds(dataset, job["k"], job["repeat"], job["seed"])
    learn, judged = (
        dataset.take(folds.train_indices(job["fold"])),
        dataset.take(folds.test_indices(job["fold"])),
    )
    curves: Dataset | None = judged
    if chooses(recipe):
        inner = held_out(recipe, learn)
        learn, curves = inner.train, inner.validation
    fitted = fit(
        recipe,
        learn,
        curves,
        seed=stream_seed(job["seed"], "crossval", job["repeat"], job["fold"]),
        device=job["device"],
        checkpoint=layout.checkpoint,
        key=job["key"],
        cache=Path(job["cache"]),
        observer=Recorder(layout.results, TellObserver(tell)),
    )
    logits = _logits(recipe, fitted, judged, Path(job["cache"]))
    predictions = Predictions(judged.ids, judged.labels, logits, judged.class_names)
    predictions.save(layout.predictions)
    result = {
        "repeat": job["repeat"],
        "fold": job["fold"],
        "accuracy": float((predictions.predicted == judged.labels).mean()),
        "epochs": len(fitted.history),
        "examples": {"train": len(learn), "judged": len(judged)},
        "seconds": round(sum(row.seconds for row in fitted.history), 3),
        "threads": torch.get_num_threads(),
        "device": fitted.device,
        "precision": fitted.precision,
        "peak_memory_mb": peak_memory_mb(),
        "predictions_sha256": sha256_file(layout.predictions),
    }
    write_json(layout.result, result)
    layout.checkpoint.unlink(missing_ok=True)
    return result


def _logits(recipe: Recipe, fitted: Fitted, judged: Dataset, cache: Path) -> NDArray[np.float32]:
    """Of the pictures as they are; where the network has a frozen backbone, from what is kept of
    it.
    """
    if not recipe.cached_features:
        return logits_of(fitted.network, judged, device=torch.device("cpu"))
    views = extract_features(
        fitted.network,
        judged.images,
        1,
        augment=recipe.augment,
        device=torch.device("cpu"),
        precision=getattr(torch, fitted.precision),
        folder=cache,
    )
    return views.logits(fitted.network)


def read_result(layout: FoldLayout) -> dict[str, Any]:
    """What a finished fold wrote.

    Raises:
        RunError: it, or the fold's predictions, were changed or taken away since.
    """
    advice = f"delete {layout.root} and run crossval with --resume"
    result: dict[str, Any] = read_json(layout.result)
    found = read_record(FoldResult, result, layout.result, advice=advice)
    try:
        digest = sha256_file(layout.predictions)
    except OSError as error:
        raise RunError(
            f"{layout.predictions} cannot be read ({error.strerror}); {advice}"
        ) from error
    if found.predictions_sha256 not in (None, digest):
        raise RunError(f"{layout.root} was changed since it was finished; {advice}")
    return result


def chooses(recipe: Recipe) -> bool:
    """Whether training looks at validation examples to decide something."""
    return recipe.early_stopping.patience > 0 or recipe.early_stopping.restore_best


@functools.lru_cache(maxsize=1)
def training_set(text: str) -> Dataset:
    """The training set that a job names: JSON of ``{"source": a catalogue name}`` or ``{"archive":
    path}``, and its ``digest``.
    """
    spec = json.loads(text)
    dataset = (
        load_data(spec["source"]).train
        if "source" in spec
        else read_archive(Path(spec["archive"]))["train"]
    )
    if dataset.digest != spec["digest"]:
        raise DataError(
            "the training data changed while the cross-validation was running; start it anew into "
            "another --out"
        )
    return dataset


@functools.lru_cache(maxsize=8)
def _folds(dataset: Dataset, k: int, repeat: int, seed: int) -> Folds:
    return make_folds(dataset, k, repeat=repeat, seed=seed)


def peak_memory_mb() -> int | None:
    """Largest resident memory of this process so far, or None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))
