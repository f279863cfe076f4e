"""`crossval`: recipes become cross-validations on the same folds, in worker processes,
resumable.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from dressform.core import config
from dressform.core.errors import ConfigError, RunError
from dressform.core.files import exclusive, read_json, remove_leftovers, write_json
from dressform.core.records import read_record
from dressform.data.archive import write_archive
from dressform.data.catalog import CATALOG
from dressform.data.dataset import DatasetSplits
from dressform.data.folds import Folds, make_folds
from dressform.experiment.fold import peak_memory_mb
from dressform.experiment.resolved import check_trainable, resolve_recipe
from dressform.experiment.summary import summarise
from dressform.experiment.workers import choose_workers, run_jobs
from dressform.runs.crossval import FORMAT, CrossvalRun
from dressform.runs.git import git_state
from dressform.runs.layout import (
    DEFAULT_ROOT,
    CrossvalLayout,
    FoldLayout,
    crossval_folder,
    features_folder,
)
from dressform.runs.manifest import hardware, now, packages
from dressform.training.hardware import choose_device, flush_denormals
from dressform.training.precision import choose_precision
from dressform.training.recipe import Recipe

MOST_THREADS = 1024


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

    def phase(self, name: str) -> None:
        """Something besides training begins, such as ``summarising``."""


@dataclass(frozen=True, eq=False)
class _Study:
    """One recipe's cross-validation while it is being made."""

    reference: Recipe | str
    settings: list[str]
    recipe: Recipe
    digest: str
    layout: CrossvalLayout


@dataclass(frozen=True)
class PlanRecord:
    """The fields of plan.json that decide something."""

    recipe: str
    settings: list[str]
    digest: str
    fold_digests: list[str]
    data_digest: str
    threads: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    passes: list[dict[str, int | float | str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= MOST_THREADS:
            raise ValueError(f"{self.threads} threads")


@dataclass(frozen=True, eq=False)
class _Plan:
    """What a cross-validation's folder says: a division per repeat, threads and precision of every
    fold.
    """

    divisions: list[Folds]
    threads: int
    precision: str


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


@flush_denormals()
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

    Every recipe gets the same folds. Each fold starts from a network of its own, with weights from
    a seed of its own. A recipe that stops early or keeps its best epoch chooses on a part of the
    fold's own training examples; any other learns from all of them, and the curves show the fold
    that is judged.

    Args:
        recipes: names, ``file.py:function`` or recipes; recipes are trained in this process, one
            after the other.
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
        RunError: there is such a cross-validation and ``resume`` is false, or it was made of other
            data.
        DressformError: anything else that the user has to know; finished folds are kept.
    """
    if not recipes:
        raise ConfigError("no recipe to cross-validate; name one or more of 'dressform recipes'")
    if not 1 <= repeats <= 1000:
        raise ConfigError(f"repeats is {repeats}; allowed: 1 to 1000")
    choose_device(device)
    choose_workers(workers, 1, device)  # refuses nonsense before anything is written
    divisions = [
        make_folds(data.train, folds, repeat=repeat, seed=seed) for repeat in range(repeats)
    ]
    studies = [_study(recipe, list(settings), data, out, folds, seed) for recipe in recipes]
    if len({study.layout.root for study in studies}) < len(studies):
        raise ConfigError("a recipe was named twice; name each once")
    for study in studies:
        if study.layout.plan.exists() and not resume:
            finished = study.layout.summary.exists()
            word = "show it or to add --repeats" if finished else "continue it"
            raise RunError(
                f"{study.layout.root} is there already; add --resume to {word}, or choose another "
                f"--seed or --out"
            )
    here = any(isinstance(study.reference, Recipe) for study in studies)
    workers, threads = choose_workers(
        1 if here else workers, repeats * folds * len(studies), device
    )
    with contextlib.ExitStack() as held:
        held.callback(torch.set_num_threads, torch.get_num_threads())
        for study in studies:
            _make_folder(study.layout.root)
            held.enter_context(exclusive(study.layout.lock))
            _tidy(study.layout)
        plans = [
            _prepare(study, data, divisions, folds, seed, threads, device) for study in studies
        ]
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
                "kind": "fold",
                "recipe": s.reference,
                "settings": s.settings,
                "data": source,
                "k": folds,
                "repeat": r,
                "fold": f,
                "folder": str(s.layout.fold(r, f).root),
                "cache": str(features_folder(out)),
                "seed": seed,
                "device": device,
                "threads": kept.threads,
                "precision": kept.precision,
                "key": config.digest(
                    (s.digest, kept.divisions[r].digest, str(r), str(f), str(FORMAT))
                ),
            }
            for s, kept, r, f in left
        ]
        shown = [FoldJob(" ".join([s.recipe.name, *s.settings]), r, f) for s, _, r, f in left]
        if observer is not None:
            observer.planned(shown, len(plan) - len(left), min(workers, len(left)), threads)
        clock = time.perf_counter()
        results = run_jobs(jobs, workers, threads, _Translator(shown, observer))
        seconds = time.perf_counter() - clock
        if observer is not None:
            observer.phase("summarising")
        for study in studies:
            _note_pass(study.layout, results, seconds, workers)
        return [
            summarise(study.layout, data.train, kept.divisions, folds, seed)
            for study, kept in zip(studies, plans, strict=True)
        ]


def _study(
    recipe: Recipe | str, settings: list[str], data: DatasetSplits, out: Path, folds: int, seed: int
) -> _Study:
    found = resolve_recipe(recipe, settings)
    check_trainable(found.recipe, data)
    folder = crossval_folder(out, data.name, found.recipe.name, found.digest, folds, seed)
    return _Study(recipe, settings, found.recipe, found.digest, CrossvalLayout(folder))


def _source(data: DatasetSplits, folder: Path, *, here: bool) -> Any:
    """How the workers get the training set: by name, through a file, or as it is."""
    if here:
        return data.train
    if data.name in CATALOG and CATALOG[data.name].path().exists():
        return {"source": data.name, "digest": data.train.digest}
    path = folder / "train.npz"
    write_archive(path, DatasetSplits(data.name, data.train))
    return {"archive": str(path), "digest": data.train.digest}


def _prepare(
    study: _Study,
    data: DatasetSplits,
    divisions: list[Folds],
    folds: int,
    seed: int,
    threads: int,
    device: str,
) -> _Plan:
    """Write or check the plan. What is there already stays: its repeats, and the threads and
    precision of its folds.
    """
    layout = study.layout
    before = _plan_of(layout)
    digests = before.get("fold_digests", [])
    further = range(len(divisions), len(digests))
    divisions = [
        *divisions,
        *(make_folds(data.train, folds, repeat=repeat, seed=seed) for repeat in further),
    ]
    if before and (
        before.get("data_digest") != data.train.digest
        or digests != [d.digest for d in divisions[: len(digests)]]
    ):
        raise RunError(
            f"{layout.root} was made of other data than {data.name} has now; choose another --out"
        )
    threads = before.get("threads", threads)
    chosen = choose_precision(study.recipe.precision, choose_device(device))
    precision = before.get("precision", chosen)
    if len(divisions) > len(digests):
        facts = {
            "format": FORMAT,
            "recipe": study.recipe.name,
            "settings": study.settings,
            "digest": study.digest,
            "resolved": config.to_dict(study.recipe),
            "k": folds,
            "seed": seed,
            "threads": threads,
            "precision": precision,
            "data": data.name,
            "data_digest": data.train.digest,
            "hardware": hardware(),
            "packages": packages(),
            "git": git_state(),
            "started": now(),
        }
        write_json(layout.plan, {**facts, **before, "fold_digests": [d.digest for d in divisions]})
    return _Plan(divisions, threads, precision)


def _plan_of(layout: CrossvalLayout) -> dict[str, Any]:
    """What the folder's plan says; empty in a new folder."""
    if not layout.plan.exists():
        if any(layout.root.glob(f"*/{layout.fold(0, 0).result.name}")):
            raise RunError(
                f"{layout.root} has folds but no {layout.plan.name}; delete that folder or choose "
                f"another --out"
            )
        return {}
    before = read_json(layout.plan)
    read_record(
        PlanRecord, before, layout.plan, advice="delete that folder or choose another --out"
    )
    return dict(before)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be made: {error.strerror or error}; give a writable folder with --out"
        ) from error


def _note_pass(
    layout: CrossvalLayout, results: Sequence[dict[str, Any]], seconds: float, workers: int
) -> None:
    """Add to the plan what was done this time, and with how much memory."""
    if not results:
        return
    measured = [r["peak_memory_mb"] for r in results if r["peak_memory_mb"] is not None]
    plan = read_json(layout.plan)
    passes = [
        *plan.get("passes", []),
        {
            "finished": now(),
            "jobs": len(results),
            "seconds": round(seconds, 3),
            "workers": workers,
            "worker_peak_memory_mb": max(measured, default=None),
            "parent_peak_memory_mb": peak_memory_mb(),
        },
    ]
    write_json(layout.plan, {**plan, "passes": passes})


def _tidy(layout: CrossvalLayout) -> None:
    """Delete what a kill between two files left behind."""
    remove_leftovers(layout.root)
    for result in layout.root.glob(f"*/{layout.fold(0, 0).result.name}"):
        FoldLayout(result.parent).checkpoint.unlink(missing_ok=True)
