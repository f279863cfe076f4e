"""`bench_tutorials`: every tutorial's recipe with several seeds, what was claimed beside what came
out.
"""

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from dressform.core import config
from dressform.core.errors import ConfigError
from dressform.data.catalog import CATALOG
from dressform.data.source import load_data
from dressform.evaluation.intervals import student, t_quantile
from dressform.experiment.fold import TellObserver, peak_memory_mb
from dressform.experiment.train_run import train_run
from dressform.experiment.worker import Tell
from dressform.experiment.workers import JobObserver, choose_workers, run_jobs
from dressform.recipes import RECIPES, entry, find_recipe
from dressform.runs.layout import DEFAULT_ROOT, Layout, run_folder
from dressform.runs.manifest import Manifest

DATASET = "fashion-mnist"


def run_job(job: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Train a recipe with one seed, or find the finished run.

    Args:
        job: ``recipe``, ``seed``, ``out`` and ``device``.
        tell: told of the progress.

    Returns:
        what the table needs of the run.
    """
    run = train_run(
        job["recipe"],
        load_data(DATASET),
        seed=job["seed"],
        out=Path(job["out"]),
        resume=True,
        device=job["device"],
        source=DATASET,
        observer=TellObserver(tell),
    )
    m = run.manifest
    return {
        "recipe": m.recipe,
        "seed": m.seed,
        "digest": m.digest,
        "test_accuracy": m.results["test_accuracy"],
        "val_accuracy": m.results["val_accuracy"],
        "epochs": m.results["epochs"],
        "seconds": m.seconds["train"],
        "hardware": f"{m.hardware['processor']}, {m.hardware['cores']} cores",
        "threads": m.hardware["threads"],
        "precision": m.hardware["precision"],
        "device": m.hardware["device"],
        "peak_memory_mb": peak_memory_mb(),
        "path": str(run.path),
    }


def bench_tutorials(
    recipes: Sequence[str] = (),
    *,
    seeds: int = 3,
    out: Path = DEFAULT_ROOT,
    workers: int | None = None,
    device: str = "auto",
    train: bool = True,
    observer: JobObserver,
) -> dict[str, Any]:
    """Train recipes on Fashion-MNIST with seeds 0 to ``seeds`` - 1, each training in a process of
    its own.

    Finished runs are taken as they are and unfinished ones resumed, so the command can be stopped
    and started again. Test is opened once by each training, for the weights that the recipe keeps.

    Args:
        recipes: default all of ``dressform recipes``.
        seeds: how many, 1 or more.
        out: folder of all runs.
        workers: processes; default one a core.
        device: ``auto``, ``cpu`` or ``cuda``.
        train: otherwise only what is finished is told, and recipes without a finished run are left
            out.
        observer: told of the progress.

    Returns:
        the document that ``dressform bench tutorials --json`` prints: ``recipes`` by name, each
        with mean, sd, n, the accuracies and what was claimed.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: fewer than one seed.
    """
    if seeds < 1:
        raise ConfigError(f"seeds is {seeds}; allowed: 1 or more")
    # Transfer needs weights that not everybody has, and hours for 60,000 pictures; it is trained
    # when it is named.
    names = list(dict.fromkeys(recipes)) or [
        name for name in RECIPES.names if not name.startswith("transfer-")
    ]
    for name in names:
        RECIPES.check(name)
    assert DATASET in CATALOG
    plan = [
        (name, seed)
        for name in names
        for seed in range(seeds)
        if train or _finished(name, seed, out)
    ]
    jobs = [
        {"kind": "train", "recipe": name, "seed": seed, "out": str(out), "device": device}
        for name, seed in plan
    ]
    count, threads = choose_workers(workers if train else 1, len(jobs), device)
    results = run_jobs(jobs, count, threads, observer)
    rows = {
        name: _row(name, found)
        for name in names
        if (found := [r for r in results if r["recipe"] == name])
    }
    return {
        "command": f"dressform bench tutorials --seeds {seeds}",
        "dataset": DATASET,
        "recipes": rows,
    }


def _finished(name: str, seed: int, out: Path) -> bool:
    manifest = Layout(
        run_folder(out, DATASET, name, config.digest(find_recipe(name)), seed)
    ).manifest
    return manifest.exists() and Manifest.load(manifest).status == "finished"


def _row(name: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    test, validation = [r["test_accuracy"] for r in runs], [r["val_accuracy"] for r in runs]
    claim = entry(name)
    estimate = student(test, what="seeds")
    judged = {"test": test, "validation": validation, "folds": []}[claim.claimed_on]
    several = len(test) > 1
    return {
        "mean": round(fmean(test), 5),
        "sd": round(stdev(test), 5) if several else None,
        "n": len(test),
        "low": round(estimate.low, 5) if several else None,
        "high": round(estimate.high, 5) if several else None,
        "method": estimate.method,
        "claimed": claim.claimed,
        "claimed_on": claim.claimed_on,
        "claim": judge_claim(claim.claimed, judged),
        "test_accuracies": test,
        "val_accuracies": validation,
        "epochs": [r["epochs"] for r in runs],
        "train_seconds": [r["seconds"] for r in runs],
        "digest": runs[0]["digest"],
        "hardware": runs[0]["hardware"],
        "threads": runs[0]["threads"],
        "precision": runs[0]["precision"],
        "date": date.today().isoformat(),
    }


def judge_claim(claimed: float | None, accuracies: Sequence[float]) -> str | None:
    """Whether a published accuracy, of one training, is ``beaten``, ``met`` or ``missed`` by ours.

    Beaten: our mean is as high or higher. Met: the claim lies within the 95 % prediction interval
    of one more training, mean ± t s sqrt(1 + 1 / n). Missed: above that. None without a claim or
    with fewer than two seeds below it.

    Args:
        claimed: 0..1, or None.
        accuracies: of our seeds, on the same kind of examples.
    """
    if claimed is None or not accuracies:
        return None
    mean, n = fmean(accuracies), len(accuracies)
    if mean >= claimed:
        return "beaten"
    if n < 2:
        return None
    reach = t_quantile(0.975, n - 1) * stdev(accuracies) * math.sqrt(1 + 1 / n)
    return "met" if claimed <= mean + reach else "missed"
