"""`bench_speed`: how long a recipe takes to its accuracy, beside tutorial 0's network in Keras on
TensorFlow.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Protocol

from dressform.core.errors import ConfigError, RunError
from dressform.data.catalog import CATALOG
from dressform.data.source import load_data
from dressform.evaluation.intervals import student
from dressform.experiment.bench import DATASET
from dressform.experiment.train_run import train_run
from dressform.experiment.worker import Tell
from dressform.experiment.workers import choose_workers, run_jobs
from dressform.recipes import RECIPES

LEVELS = (0.934, 0.94, 0.95)
"""Test accuracies whose times are told; tutorial 0's network ends at the first."""
KERAS_EPOCHS = 25


class SpeedObserver(Protocol):
    """Told of the trainings; changes nothing."""

    def trained(self, recipe: str, seed: int, accuracy: float, seconds: float) -> None:
        """A training of ours is over."""

    def keras_epoch(self, epoch: int, accuracy: float, seconds: float) -> None:
        """The other side has finished an epoch, counted from 1; its training took so many seconds
        until here.
        """


class _Silent:
    def trained(self, recipe: str, seed: int, accuracy: float, seconds: float) -> None:
        pass

    def keras_epoch(self, epoch: int, accuracy: float, seconds: float) -> None:
        pass


def run_job(job: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Train a recipe with one seed into a folder of its own.

    Args:
        job: ``recipe``, ``settings``, ``seed``, ``out`` and ``device``.
        tell: not used; the training is not disturbed.

    Returns:
        accuracy, seconds and what they were measured on.
    """
    out = Path(job["out"])
    run = train_run(
        job["recipe"],
        load_data(DATASET),
        settings=job["settings"],
        seed=job["seed"],
        out=out,
        device=job["device"],
    )
    m = run.manifest
    return {
        "test_accuracy": m.results["test_accuracy"],
        "seconds": m.seconds["fit"],
        "digest": m.digest,
        "threads": m.hardware["threads"],
        "precision": m.hardware["precision"],
        "device": m.hardware["device"],
        "hardware": f"{m.hardware['processor']}, {m.hardware['cores']} cores",
        "packages": m.packages,
    }


def bench_speed(
    recipes: Sequence[str] = ("fast",),
    *,
    seeds: int = 10,
    settings: Sequence[str] = (),
    keras: str | None = None,
    keras_seeds: int = 1,
    device: str = "auto",
    observer: SpeedObserver | None = None,
) -> dict[str, Any]:
    """Train recipes on Fashion-MNIST, one training after the other, each in a fresh process with
    all cores.

    Seconds are those of the whole training, from building the network to the last weights,
    validation included where the recipe holds images out; reading the data and starting Python are
    not counted, on either side. Test is opened once by each of our trainings, for its last weights.
    The other side runs between the two halves of ours, so that both meet the same machine.

    Args:
        recipes: names.
        seeds: trainings of each, 1 or more.
        settings: ``path=value`` changes to every recipe.
        keras: Python of an environment with TensorFlow and Keras; None leaves the other side out.
        keras_seeds: trainings of tutorial 0's network there.
        device: ``auto``, ``cpu`` or ``cuda``.
        observer: told of the progress.

    Returns:
        the document that ``dressform bench speed --json`` prints: ``recipes`` by name with
        accuracies, seconds, mean, s.d. and interval; ``keras`` with every epoch; ``levels``,
        seconds to each on both sides; ``ratio``, seconds of the tutorial's 25 epochs over ours to
        94 %.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: fewer than one seed.
        RunError: the other side failed.
    """
    if seeds < 1 or keras_seeds < 1:
        raise ConfigError(f"seeds are {seeds} and {keras_seeds}; allowed: 1 or more")
    names = list(dict.fromkeys(recipes))
    for name in names:
        RECIPES.check(name)
    if keras:
        _check_keras(keras)
    observer = observer or _Silent()
    _, threads = choose_workers(1, 1, device)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    order = [(name, seed) for seed in range(seeds) for name in names]
    half = len(order) // 2
    other: list[list[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, (name, seed) in enumerate(order):
            if place == half and keras:
                other = [_keras(keras, s, observer) for s in range(keras_seeds)]
            job = {
                "kind": "speed",
                "recipe": name,
                "settings": list(settings),
                "seed": seed,
                "out": folder,
                "device": device,
            }
            (result,) = run_jobs([job], 1, threads, _Unheard(), fresh=True)
            found[name].append(result)
            observer.trained(name, seed, result["test_accuracy"], result["seconds"])
    rows = {name: row(results) for name, results in found.items()}
    return {
        "command": " ".join(
            [
                "dressform bench speed",
                *names,
                f"--seeds {seeds}",
                *(f"--set {text}" for text in settings),
            ]
        ),
        "dataset": DATASET,
        "date": date.today().isoformat(),
        "recipes": rows,
        "keras": other,
        "levels": {f"{level:g}": times_to(level, rows, other) for level in LEVELS},
        "ratio": ratio(rows, other),
    }


class _Unheard:
    def event(self, index: int, event: dict[str, Any]) -> None:
        pass


def _check_keras(python: str) -> None:
    """Tell before anything is trained that the other side could not be."""
    try:
        done = subprocess.run(
            [
                python,
                "-c",
                "import tensorflow, keras.src.trainers.data_adapters.array_data_adapter",
            ],
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise RunError(
            f"{python} cannot be run ({error.strerror}); give the Python of an environment with "
            f"Keras"
        ) from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["silent"])[-1]
        raise RunError(
            f"{python} cannot import Keras and TensorFlow ({reason}); give the Python of an "
            f"environment with both"
        )


def _keras(python: str, seed: int, observer: SpeedObserver) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("keras_minivggnet.py")
    folder = CATALOG[DATASET].path()
    command = [python, str(script), str(folder), str(KERAS_EPOCHS), str(seed)]
    epochs: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            epochs.append(json.loads(line))
            total = sum(row["seconds"] for row in epochs)
            observer.keras_epoch(epochs[-1]["epoch"], epochs[-1]["test_accuracy"], total)
        process.wait()
        errors.seek(0)
        complaint = errors.read().strip().splitlines()
    if process.returncode:
        raise RunError(
            f"Keras ended with code {process.returncode} "
            f"({complaint[-1] if complaint else 'silent'})"
        )
    return epochs


def row(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is told of a recipe's trainings, each as :func:`run_job` gives it."""
    accuracies, seconds = [r["test_accuracy"] for r in results], [r["seconds"] for r in results]
    several = len(results) > 1
    facts = ("digest", "hardware", "threads", "precision", "device", "packages")
    return {
        "n": len(results),
        "accuracies": accuracies,
        "seconds": seconds,
        "accuracy": {**asdict(student(accuracies, what="seeds")), "sd": stdev(accuracies)}
        if several
        else {"value": accuracies[0]},
        "mean_seconds": fmean(seconds),
        "sd_seconds": stdev(seconds) if several else None,
        **{name: results[0][name] for name in facts},
    }


def times_to(
    level: float, rows: dict[str, dict[str, Any]], keras: Sequence[Sequence[dict[str, Any]]]
) -> dict[str, Any]:
    """Ours: the quickest recipe whose mean accuracy is as high. Keras: until the first epoch that
    is, in each training.
    """
    reached = {
        name: row["mean_seconds"] for name, row in rows.items() if row["accuracy"]["value"] >= level
    }
    best = min(reached, key=reached.__getitem__, default=None)
    times: list[float | None] = []
    for epochs in keras:
        place = next((i for i, row in enumerate(epochs) if row["test_accuracy"] >= level), None)
        times.append(None if place is None else sum(row["seconds"] for row in epochs[: place + 1]))
    return {"recipe": best, "seconds": reached.get(best) if best else None, "keras_seconds": times}


def ratio(
    rows: dict[str, dict[str, Any]], keras: Sequence[Sequence[dict[str, Any]]]
) -> float | None:
    """Mean seconds of the tutorial's whole training in Keras over ours to a mean of 94 %; None
    where one is missing.
    """
    ours = times_to(0.94, rows, ())["seconds"]
    return (
        fmean(sum(row["seconds"] for row in epochs) for epochs in keras) / ours
        if keras and ours
        else None
    )
