"""`crossval`: recipes become cross-validations on the same folds, in worker processes, resumable."""

import contextlib
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from dressform.core import config
from dressform.core.errors import ConfigError, DataError, RunError
from dressform.core.files import exclusive, read_json, remove_leftovers, sha256_file, user_path, write_json, write_npz
from dressform.core.registry import is_file_reference
from dressform.data.archive import write_archive
from dressform.data.catalog import CATALOG
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.folds import Folds, make_folds
from dressform.evaluation.intervals import across_folds
from dressform.evaluation.metrics import METRICS, Scores
from dressform.experiment.fold import peak_memory_mb, resolve
from dressform.experiment.workers import choose_workers, run_jobs
from dressform.models.network import build_network
from dressform.predictions import Predictions
from dressform.runs.crossval import FORMAT, CrossvalRun, key, open_crossval
from dressform.runs.layout import DEFAULT_ROOT, CrossvalLayout, FoldLayout, crossval_folder
from dressform.runs.manifest import git_state, hardware, now, packages
from dressform.training.hardware import choose_device, fast_arithmetic
from dressform.training.recipe import Recipe


@dataclass(frozen=True)
class FoldJob:
    """One fold of one recipe, for observers."""

    recipe: str
    repeat: int
    fold: int


class CrossvalObserver(Protocol):
    """Told of a cross-validation's progress; changes nothing."""

    def planned(self, jobs: Sequence[FoldJob], finished: int, workers: int, threads: int) -> None:
        """These folds are left to do, ``finished`` are done already."""

    def started(self, job: FoldJob, done: int, epochs: int) -> None:
        """A fold begins, or goes on after ``done`` of its ``epochs``."""

    def epoch(self, job: FoldJob, epoch: int, val_accuracy: float | None) -> None:
        """A fold has finished an epoch."""

    def finished(self, job: FoldJob, accuracy: float, seconds: float) -> None:
        """A fold is finished."""


@dataclass(frozen=True, eq=False)
class _Study:
    """One recipe's cross-validation while it is being made."""

    reference: Recipe | str
    settings: list[str]
    recipe: Recipe
    digest: str
    layout: CrossvalLayout


@dataclass(frozen=True, eq=False)
class _Plan:
    """What a cross-validation's folder says: a division per repeat, and threads per fold."""

    divisions: list[Folds]
    threads: int


class _Translator:
    """Tells a cross-validation's observer what the jobs say."""

    def __init__(self, jobs: Sequence[FoldJob], observer: CrossvalObserver | None) -> None:
        self._jobs, self._observer = jobs, observer

    def event(self, index: int, event: dict[str, Any]) -> None:
        if self._observer is None:
            return
        job = self._jobs[index]
        if event["event"] == "started":
            self._observer.started(job, event["done"], event["epochs"])
        elif event["event"] == "epoch":
            self._observer.epoch(job, event["epoch"], event["val_accuracy"])
        elif event["event"] == "finished":
            self._observer.finished(job, event["result"]["accuracy"], event["result"]["seconds"])


@fast_arithmetic()
def crossval(
    recipes: Sequence[Recipe | str],
    data: DatasetSplits,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    settings: Iterable[str] = (),
    workers: int | None = None,
    out: Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    observer: CrossvalObserver | None = None,
) -> list[CrossvalRun]:
    """Cross-validate recipes on the training split; test is not touched.

    Every recipe gets the same folds. Each fold starts from a network of its own, with weights from a seed of its own.
    A recipe that stops early or keeps its best epoch chooses on a part of the fold's own training examples; any other
    learns from all of them, and the curves show the fold that is judged.

    Args:
        recipes: names, ``file.py:function`` or recipes; recipes are trained in this process, one after the other.
        data: its ``train`` split is divided.
        folds: K, 2 to 100.
        repeats: how many times, each with another division, 1 to 1000.
        seed: of folds and trainings.
        settings: ``path=value`` assignments applied to every recipe.
        workers: processes; default one a core.
        out: folder of all runs.
        resume: repeat no finished fold and go on with the unfinished ones; also to add repeats.
        device: ``auto``, ``cpu`` or ``cuda``.
        observer: told of the progress.

    Raises:
        RunError: there is such a cross-validation and ``resume`` is false, or it was made of other data.
        DressformError: anything else that the user has to know; finished folds are kept.
    """
    if not recipes:
        raise ConfigError("no recipe to cross-validate; name one or more of 'dressform recipes'")
    if not 1 <= repeats <= 1000:
        raise ConfigError(f"repeats is {repeats}; allowed: 1 to 1000")
    if len(data.class_names) < 2:
        raise DataError(f"{data.name} has one class only ({data.class_names[0]}); a classifier needs two or more")
    choose_device(device)
    choose_workers(workers, 1, device)  # refuses nonsense before anything is written
    divisions = [make_folds(data.train, folds, repeat=repeat, seed=seed) for repeat in range(repeats)]
    studies = [_study(recipe, list(settings), data, out, folds, seed) for recipe in recipes]
    if len({study.layout.root for study in studies}) < len(studies):
        raise ConfigError("a recipe was named twice; name each once")
    for study in studies:
        if study.layout.plan.exists() and not resume:
            finished = study.layout.summary.exists()
            word = "show it or to add --repeats" if finished else "continue it"
            raise RunError(f"{study.layout.root} is there already; add --resume to {word}, or choose another --seed or --out")
    here = any(isinstance(study.reference, Recipe) for study in studies)
    workers, threads = choose_workers(1 if here else workers, repeats * folds * len(studies), device)
    with contextlib.ExitStack() as held:
        held.callback(torch.set_num_threads, torch.get_num_threads())
        plans = [_prepare(study, data, divisions, folds, seed, threads) for study in studies]
        for study in studies:
            held.enter_context(exclusive(study.layout.lock))
            _tidy(study.layout)
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        plan = [
            (study, kept, repeat, fold)
            for repeat in range(max(len(kept.divisions) for kept in plans))
            for fold in range(folds)
            for study, kept in zip(studies, plans, strict=True)
            if repeat < len(kept.divisions)
        ]
        left = [job for job in plan if not job[0].layout.fold(*job[2:]).result.exists()]
        source = _source(data, folder, here=workers == 1) if left else {}
        jobs = [
            {
                "kind": "fold", "recipe": s.reference, "settings": s.settings, "data": source, "k": folds, "repeat": r, "fold": f,
                "folder": str(s.layout.fold(r, f).root), "seed": seed, "device": device, "threads": kept.threads,
                "key": config.digest((s.digest, kept.divisions[r].digest, str(r), str(f), str(FORMAT))),
            }
            for s, kept, r, f in left
        ]  # fmt: skip
        shown = [FoldJob(" ".join([s.recipe.name, *s.settings]), r, f) for s, _, r, f in left]
        if observer is not None:
            observer.planned(shown, len(plan) - len(left), min(workers, len(left)), threads)
        clock = time.perf_counter()
        results = run_jobs(jobs, workers, threads, _Translator(shown, observer))
        seconds = time.perf_counter() - clock
        return [
            _finish(study, data.train, kept.divisions, folds, seed, results, seconds, workers)
            for study, kept in zip(studies, plans, strict=True)
        ]


def _study(recipe: Recipe | str, settings: list[str], data: DatasetSplits, out: Path, folds: int, seed: int) -> _Study:
    resolved = resolve(recipe, tuple(settings))
    user_file = []
    if isinstance(recipe, str) and is_file_reference(recipe):
        user_file = [sha256_file(user_path(recipe.rpartition(":")[0]))]
    build_network(resolved.model, data.shape, len(data.class_names))  # what cannot be trained is told before anything is written
    digest = config.digest(resolved, *user_file)
    return _Study(
        recipe, settings, resolved, digest, CrossvalLayout(crossval_folder(out, data.name, resolved.name, digest, folds, seed))
    )


def _source(data: DatasetSplits, folder: Path, *, here: bool) -> Any:
    """How the workers get the training set: by name, through a file, or as it is."""
    if here:
        return data.train
    if data.name in CATALOG and CATALOG[data.name].path().exists():
        return {"source": data.name, "digest": data.train.digest}
    path = folder / "train.npz"
    write_archive(path, DatasetSplits(data.name, data.train))
    return {"archive": str(path), "digest": data.train.digest}


def _prepare(study: _Study, data: DatasetSplits, divisions: list[Folds], folds: int, seed: int, threads: int) -> _Plan:
    """Write or check the plan. What is there already stays: its repeats, and the threads that its folds are trained with."""
    layout = study.layout
    before: dict[str, Any] = read_json(layout.plan) if layout.plan.exists() else {}
    digests = before.get("fold_digests", [])
    further = range(len(divisions), len(digests))
    divisions = [*divisions, *(make_folds(data.train, folds, repeat=repeat, seed=seed) for repeat in further)]
    if before and (before.get("data_digest") != data.train.digest or digests != [d.digest for d in divisions[: len(digests)]]):
        raise RunError(f"{layout.root} was made of other data than {data.name} has now; choose another --out")
    threads = int(before.get("threads", threads))
    if len(divisions) > len(digests):
        try:
            layout.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{layout.root} cannot be made: {error.strerror or error}; give a writable folder with --out") from error
        facts = {
            "format": FORMAT, "recipe": study.recipe.name, "settings": study.settings, "digest": study.digest,
            "resolved": config.to_dict(study.recipe), "k": folds, "seed": seed, "threads": threads, "data": data.name,
            "data_digest": data.train.digest, "hardware": hardware(), "packages": packages(), "git": git_state(), "started": now(),
        }  # fmt: skip
        write_json(layout.plan, {**facts, **before, "fold_digests": [d.digest for d in divisions]})
    return _Plan(divisions, threads)


def _tidy(layout: CrossvalLayout) -> None:
    """Delete what a kill between two files left behind."""
    remove_leftovers(layout.root)
    for result in layout.root.glob(f"*/{layout.fold(0, 0).result.name}"):
        FoldLayout(result.parent).checkpoint.unlink(missing_ok=True)


def _finish(
    study: _Study, train: Dataset, divisions: Sequence[Folds], folds: int, seed: int, results: Sequence[dict[str, Any]],
    seconds: float, workers: int,
) -> CrossvalRun:  # fmt: skip
    """Join the folds' predictions and write the summary, in an order and with values that interruptions do not change."""
    layout = study.layout
    predictions = [_joined(layout, train, division, repeat, folds) for repeat, division in enumerate(divisions)]
    arrays: dict[str, NDArray[Any]] = {"ids": train.ids, "labels": train.labels, "class_names": np.array(train.class_names)}
    for repeat, division in enumerate(divisions):
        arrays |= {key("logits", repeat): predictions[repeat].logits, key("fold", repeat): division.fold}
    rows, scores = [], []
    for repeat, division in enumerate(divisions):
        for fold in range(folds):
            result = read_json(layout.fold(repeat, fold).result)
            rows.append({"repeat": repeat, "fold": fold, "accuracy": result["accuracy"], "epochs": result["epochs"]})
            scores.append(Scores(predictions[repeat].take(division.judged(fold))))
    estimates = {
        name: across_folds([metric.value(part, None) for part in scores], folds).to_json() for name, metric in METRICS.items()
    }
    accuracies = [row["accuracy"] for row in rows]
    summary = {
        "format": FORMAT, "recipe": study.recipe.name, "settings": study.settings, "digest": study.digest, "k": folds,
        "repeats": len(divisions), "seed": seed, "examples": len(train), "data_digest": train.digest,
        "fold_digests": [division.digest for division in divisions], "folds": rows, "mean": fmean(accuracies),
        "sd": stdev(accuracies), "low": estimates["accuracy"]["low"], "high": estimates["accuracy"]["high"],
        "method": estimates["accuracy"]["method"], "estimates": estimates, "out_of_fold": layout.out_of_fold.name,
    }  # fmt: skip
    changed = not layout.summary.exists() or read_json(layout.summary) != summary
    if changed or not layout.out_of_fold.exists():
        write_npz(layout.out_of_fold, arrays)
        write_json(layout.summary, summary)
    if results:
        measured = [r["peak_memory_mb"] for r in results if r["peak_memory_mb"] is not None]
        plan = read_json(layout.plan)
        passes = [*plan.get("passes", []), {
            "finished": now(), "jobs": len(results), "seconds": round(seconds, 3), "workers": workers,
            "worker_peak_memory_mb": max(measured, default=None), "parent_peak_memory_mb": peak_memory_mb(),
        }]  # fmt: skip
        write_json(layout.plan, {**plan, "passes": passes})
    return open_crossval(layout.root)


def _joined(layout: CrossvalLayout, train: Dataset, division: Folds, repeat: int, folds: int) -> Predictions:
    logits = np.empty((len(train), len(train.class_names)), dtype=np.float32)
    for fold in range(folds):
        part = Predictions.load(layout.fold(repeat, fold).predictions)
        judged = division.judged(fold)
        if not np.array_equal(part.ids, train.ids[judged]):
            path = layout.fold(repeat, fold).root
            raise RunError(f"{path} holds predictions of other examples; delete that folder and run crossval with --resume")
        logits[judged] = part.logits
    return Predictions(train.ids, train.labels, logits, train.class_names)
