"""`train_auto`: looks at the data, compares what could learn them by cross-validation, and trains
the best, in the time given.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dressform.core.errors import ConfigError, RunError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record
from dressform.data.dataset import DatasetSplits
from dressform.data.source import load_data
from dressform.experiment.candidates import FOLDS, MOST_EPOCHS, Candidate, choose, cost_of, possible
from dressform.experiment.crossval import crossval
from dressform.experiment.train_run import train_run
from dressform.runs.layout import DEFAULT_ROOT, auto_plan
from dressform.runs.run import Run
from dressform.training.history import RunObserver, Silent

SHORTEST, SPENT = 30.0, 0.88
"""Seconds: the smallest budget; and the share of a budget that may be planned, the rest being for
what cannot be foreseen.
"""
CLOSING = 0.06
"""Share of a budget for what comes after the last epoch: export, predictions, figures."""


@dataclass(frozen=True)
class Auto:
    """What came of it.

    Attributes:
        run: the best candidate's, trained on all training examples.
        data: what it was trained on.
        rows: best first, of each candidate words, command, epochs compared, accuracies of the
            folds, their mean, seconds and path.
        left_out: why other candidates were not tried, a line each.
        seconds: in all.
    """

    run: Run
    data: DatasetSplits
    rows: list[dict[str, Any]]
    left_out: list[str]
    seconds: float


def train_auto(
    source: str,
    *,
    budget: float = 600.0,
    seed: int = 0,
    out: Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    image_size: int | None = None,
    say: Callable[[str], object] = lambda line: None,
    observer: RunObserver | None = None,
) -> Auto:
    """Find what learns the data best within a time, and train it.

    Three candidates, where ImageNet weights are installed: a pretrained network of which only the
    last layer learns, a small one from scratch, and the pretrained one whose last stages learn.
    They are compared by cross-validation on the training examples; neither validation nor test is
    looked at before the best is trained.

    Args:
        source: a dataset's name or a path.
        budget: seconds for everything, 30 or more. What a candidate takes is found by short
            trainings; each gets as many epochs as fit into its share of the time, and what does not
            fit is left out. If the one whose last stages learn wins, it is trained for what time is
            left. Estimates can be wrong, so the time can be exceeded by some percent.
        seed: of folds and trainings.
        out: folder of all runs.
        resume: go on where a killed call stopped, with the candidates that it had chosen for the
            same data and budget.
        device: ``auto``, ``cpu`` or ``cuda``.
        image_size: for folders of mixed sizes, and all candidates; default: each recipe's own.
        say: told what is found, a line at a time.
        observer: told of the last training's progress.

    Raises:
        ConfigError: the budget is too small for any of them.
        RunError: something of this is there already, and ``resume`` is false.
        DataError: the data cannot be read.
    """
    if not budget >= SHORTEST:
        raise ConfigError(f"the budget is {budget:g} s; allowed: {SHORTEST:g} s or more")
    began = time.monotonic()
    read = _Reader(source)
    data = read(image_size)
    for note in data.notes:
        say(f"note: {note}")
    say(described(data))
    file, facts = (
        auto_plan(out, data.name, seed),
        {"digest": data.train.digest, "budget": budget, "image_size": image_size},
    )
    candidates, left_out, epochs = _planned(file, facts)
    if candidates and not resume:
        raise RunError(
            f"{file} is there: train auto has been called for the same data and budget; add "
            f"--resume, or choose another --out"
        )
    if not candidates:
        if data.train.counts.min() < FOLDS:
            raise ConfigError(
                f"the comparison needs {FOLDS} training pictures of every class; give more, or "
                f"name a recipe"
            )
        found, left_out = possible(data, image_size)
        costs = [(c, cost_of(c, read(c.image_size).train, out, device)) for c in found]
        candidates, too_long = choose(costs, SPENT * budget - (time.monotonic() - began))
        left_out += too_long
        file.parent.mkdir(parents=True, exist_ok=True)
    plan = {**facts, "candidates": [asdict(c) for c in candidates], "left_out": left_out}
    write_json(file, {**plan, "epochs": epochs})
    for line in left_out:
        say(f"left out: {line}")
    results = []
    for c in candidates:
        (observer or Silent()).phase(f"comparing {c.words}")
        results.append((*_compare(c, read(c.image_size), out, seed, resume, device, say), c))
    results.sort(key=lambda result: -result[0]["mean"])
    row, epoch, best = results[0]
    if best.shortened:
        left = (1 - CLOSING) * budget - best.unseen - (time.monotonic() - began)
        best = replace(
            best, epochs=epochs or max(best.compared, min(MOST_EPOCHS, int(left / epoch)))
        )
        row["command"] = best.command
        write_json(file, {**plan, "epochs": best.epochs})
    say(f"trained now on all: {best.words}, {best.epochs} epochs")
    run = train_run(
        best.recipe,
        read(best.image_size),
        settings=best.assignments(best.epochs),
        seed=seed,
        out=out,
        resume=resume,
        device=device,
        source=source,
        image_size=best.image_size,
        observer=observer,
    )
    return Auto(
        run,
        read(best.image_size),
        [row for row, _, _ in results],
        left_out,
        time.monotonic() - began,
    )


class _Reader:
    """Reads the data at a size, and anew for another: photos are large, so one at a time is
    kept.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: dict[int | None, DatasetSplits] = {}

    def __call__(self, image_size: int | None) -> DatasetSplits:
        if image_size not in self._known:
            self._known = {image_size: load_data(self._source, image_size=image_size)}
        return self._known[image_size]


def described(data: DatasetSplits) -> str:
    """Examples, classes, size and colour in one line."""
    height, width, channels = data.shape
    counts = data.train.counts
    least, most = (
        f"{data.class_names[i]} {counts[i]:,}" for i in (int(counts.argmin()), int(counts.argmax()))
    )
    return (
        f"{len(data.train):,} training pictures of {len(data.class_names)} classes ({least} to "
        f"{most}),"
        f" {'colour' if channels == 3 else 'grey'}, read at {height} x {width}"
    )


def _compare(
    candidate: Candidate,
    data: DatasetSplits,
    out: Path,
    seed: int,
    resume: bool,
    device: str,
    say: Callable[[str], object],
) -> tuple[dict[str, Any], float]:
    """What came of it, and the seconds that an epoch on all training examples takes."""
    started = time.monotonic()
    (found,) = crossval(
        [candidate.recipe],
        data,
        folds=FOLDS,
        seed=seed,
        settings=candidate.assignments(candidate.compared),
        workers=1,
        out=out,
        resume=resume,
        device=device,
    )
    mean, seconds = float(np.mean(found.accuracies)), time.monotonic() - started
    folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy in found.accuracies)
    half = (
        ""
        if candidate.compared == candidate.epochs
        else f", with {candidate.compared} of its {candidate.epochs} epochs"
    )
    say(
        f"{candidate.words}: {100 * mean:.2f} % over {FOLDS} folds ({folds}){half}, {seconds:.0f} s"
    )
    told = {
        "words": candidate.words,
        "command": candidate.command,
        "compared": candidate.compared,
        "accuracies": found.accuracies,
        "mean": mean,
        "seconds": round(seconds, 1),
        "path": str(found.path),
    }
    rows = (row for history in found.histories() for row in history)
    epoch = median(s for row in rows if (s := row["seconds"]) is not None)
    return told, epoch * FOLDS / (FOLDS - 1)


def _planned(file: Path, facts: dict[str, Any]) -> tuple[list[Candidate], list[str], int]:
    """What a call before had chosen for the same data and budget: candidates, why others are left
    out, and the epochs of the last training, 0 where they were not known yet. Nothing where there
    is no such plan.
    """
    if not file.is_file():
        return [], [], 0
    document = read_json(file)
    if not isinstance(document, dict) or any(
        document.get(name) != value for name, value in facts.items()
    ):
        return [], [], 0
    try:
        found = [read_record(Candidate, row, file) for row in document["candidates"]]
        return found, [str(line) for line in document["left_out"]], int(document["epochs"])
    except (TypeError, KeyError, ValueError, RunError) as error:
        raise ConfigError(f"{file} is damaged; delete it, and --resume plans anew") from error
