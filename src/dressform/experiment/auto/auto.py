"""`train_auto`: looks at the data, compares what could learn them by cross-validation, and trains
the best, in the time given.
"""

import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dressform.core.errors import ConfigError, RunError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record
from dressform.data.dataset import DatasetSplits
from dressform.data.group_advice import log_group_advice
from dressform.data.read_options import ReadOptions
from dressform.data.source import log_notes, read_data
from dressform.experiment.auto.candidates import (
    FOLDS,
    MAX_EPOCHS,
    Candidate,
    choose,
    cost_of,
    possible,
)
from dressform.experiment.crossval.cross_validation import crossval
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import ResolvedRecipe, resolve_recipe
from dressform.experiment.train_run import train_run
from dressform.runs.layout import auto_plan
from dressform.runs.run import Run
from dressform.training.callback import Callback

logger = logging.getLogger(__name__)

MIN_BUDGET, PLANNED = 30.0, 0.88
"""Seconds of the smallest budget; and the fraction of a budget that may be planned, the rest being
for what cannot be foreseen.
"""
CLOSING = 0.06
"""Fraction of a budget for what comes after the last epoch: export, predictions, figures."""


@dataclass(frozen=True)
class Compared:
    """A candidate's cross-validation.

    Attributes:
        description: of the candidate, for people.
        command: that trains it alone, except for ``--data``.
        epochs: of each fold's training.
        accuracies: of the folds, 0..1.
        mean: of the accuracies.
        seconds: that the cross-validation took.
        path: of its folder.
    """

    description: str
    command: str
    epochs: int
    accuracies: list[float]
    mean: float
    seconds: float
    path: str


@dataclass(frozen=True)
class AutoResult:
    """The result of an automatic training.

    Attributes:
        run: the best candidate's, trained on all training examples.
        data: what it was trained on.
        candidates: best first.
        skipped: why other candidates were not tried, a line each.
        seconds: in all.
    """

    run: Run
    data: DatasetSplits
    candidates: list[Compared]
    skipped: list[str]
    seconds: float


@dataclass(frozen=True)
class _Plan:
    """The content of the plan's file: what an interrupted call continues with.

    ``epochs`` are those of the last training, 0 as long as they are not known.
    """

    digest: str
    budget: float
    image_size: int | None
    candidates: list[Candidate]
    skipped: list[str]
    epochs: int = 0


def train_auto(
    source: str | Path,
    *,
    budget: float = 600.0,
    seed: int = 0,
    reading: ReadOptions,
    options: RunOptions,
) -> AutoResult:
    """Find the best candidate within a time budget, and train it.

    Three candidates, where ImageNet weights are installed: a linear probe on a pretrained network,
    a small CNN trained from scratch, and the pretrained network fine-tuned. They are compared by
    cross-validation on the training examples; neither validation nor test is looked at before the
    best is trained.

    Args:
        source: a dataset's name or a path.
        budget: seconds for everything, 30 or more. What a candidate takes is found by short
            trainings; each gets as many epochs as fit into its share of the time, and what does not
            fit is skipped. If fine-tuning wins, it is trained for the time that is left. Estimates
            can be wrong, so the time can be exceeded by some percent.
        seed: of folds and training.
        reading: how the data are read; its image size is each recipe's own by default.
        options: where and on what; resuming continues where a killed call stopped, with the
            candidates that it had chosen for the same data and budget.

    Raises:
        ConfigError: the budget is too small for any of them.
        RunError: the folder already exists, and ``resume`` is false.
        DataError: the data cannot be read.
    """
    if not budget >= MIN_BUDGET:
        raise ConfigError(f"the budget is {budget:g} s; allowed: {MIN_BUDGET:g} s or more")
    began = time.monotonic()
    read = _Reader(source, reading)
    data = read(reading.image_size)
    log_notes(data)
    log_group_advice(data)
    logger.info(describe_data(data))
    file = auto_plan(options.out, data.name, seed)
    plan = _Plan(data.train.digest, budget, reading.image_size, [], [])
    before = _read_plan(file, plan)
    if before is not None and not options.resume:
        raise RunError(
            f"{file} already exists: train auto was called for the same data and budget; --resume "
            f"continues it, or choose another --out"
        )
    if before is not None:
        plan = before
    else:
        candidates, skipped = _choose(read, plan, options, began)
        plan = replace(plan, candidates=candidates, skipped=skipped)
        file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, asdict(plan))
    for line in plan.skipped:
        logger.info("skipped %s", line)
    results = [(*_compare(c, read(c.image_size), seed, options), c) for c in plan.candidates]
    results.sort(key=lambda result: -result[0].mean)
    compared, epoch_seconds, best = results[0]
    if best.shortened:
        left = (1 - CLOSING) * budget - best.unseen - (time.monotonic() - began)
        epochs = max(best.compared, min(MAX_EPOCHS, int(left / epoch_seconds)))
        best = replace(best, epochs=plan.epochs or epochs)
        compared = replace(compared, command=best.command)
        write_json(file, asdict(replace(plan, epochs=best.epochs)))
    logger.info("training the winner on all data: %s, %d epochs", best.description, best.epochs)
    run = train_run(_recipe(best, best.epochs), read(best.image_size), seed=seed, options=options)
    candidates_compared = [compared, *(other for other, _, _ in results[1:])]
    seconds = time.monotonic() - began
    return AutoResult(run, read(best.image_size), candidates_compared, plan.skipped, seconds)


class _Reader:
    """Reads the data at a size, and again for another: photos are large, so one at a time is
    kept.
    """

    def __init__(self, source: str | Path, reading: ReadOptions) -> None:
        self._source, self._reading = source, reading
        self._read: dict[int | None, DatasetSplits] = {}

    def __call__(self, image_size: int | None) -> DatasetSplits:
        if image_size not in self._read:
            options = replace(self._reading, image_size=image_size)
            self._read = {image_size: read_data(self._source, options)}
        return self._read[image_size]


def describe_data(data: DatasetSplits) -> str:
    """Examples, classes, size and colour in one line."""
    height, width, channels = data.shape
    counts = data.train.counts
    least, most = (
        f"{data.class_names[i]} {counts[i]:,}" for i in (int(counts.argmin()), int(counts.argmax()))
    )
    return (
        f"{len(data.train):,} training images of {len(data.class_names)} classes ({least} to "
        f"{most}), {'colour' if channels == 3 else 'grey'}, read at {height} x {width}"
    )


def _recipe(candidate: Candidate, epochs: int) -> ResolvedRecipe:
    return resolve_recipe(candidate.recipe, candidate.assignments(epochs))


def _choose(
    read: _Reader, plan: _Plan, options: RunOptions, began: float
) -> tuple[list[Candidate], list[str]]:
    """The candidates that there is time for, and why others are skipped."""
    data = read(plan.image_size)
    if data.train.counts.min() < FOLDS:
        raise ConfigError(
            f"the comparison needs {FOLDS} training images of every class; give more, or name a "
            f"recipe"
        )
    candidates, impossible = possible(data, plan.image_size)
    costs = [(c, cost_of(c, read(c.image_size).train, options)) for c in candidates]
    chosen, too_long = choose(costs, PLANNED * plan.budget - (time.monotonic() - began))
    return chosen, [*impossible, *too_long]


def _compare(
    candidate: Candidate, data: DatasetSplits, seed: int, options: RunOptions
) -> tuple[Compared, float]:
    """A candidate's cross-validation, and the seconds that an epoch on all training examples
    takes.
    """
    options.callback.on_phase_begin(f"comparing {candidate.description}")
    started = time.monotonic()
    alone = replace(options, workers=1, callback=Callback())
    recipe = _recipe(candidate, candidate.compared)
    (study,) = crossval([recipe], data, folds=FOLDS, seed=seed, options=alone)
    mean, seconds = float(np.mean(study.accuracies)), time.monotonic() - started
    folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy in study.accuracies)
    shortened = candidate.compared != candidate.epochs
    part = f", with {candidate.compared} of its {candidate.epochs} epochs" if shortened else ""
    logger.info(
        f"{candidate.description}: {100 * mean:.2f} % over {FOLDS} folds ({folds}){part}, "
        f"{seconds:.0f} s"
    )
    compared = Compared(
        description=candidate.description,
        command=candidate.command,
        epochs=candidate.compared,
        accuracies=study.accuracies,
        mean=mean,
        seconds=round(seconds, 1),
        path=str(study.path),
    )
    rows = [row for history in study.histories() for row in history]
    epoch = median(s for row in rows if (s := row["seconds"]) is not None)
    return compared, epoch * FOLDS / (FOLDS - 1)


def _read_plan(file: Path, plan: _Plan) -> _Plan | None:
    """What an earlier call had planned for the same data and budget; None without such a plan."""
    if not file.is_file():
        return None
    advice = "delete it, and --resume plans again"
    document: Any = read_json(file)
    facts = asdict(plan)
    same = ("digest", "budget", "image_size")
    if isinstance(document, dict) and any(document.get(n) != facts[n] for n in same):
        return None
    before = read_record(_Plan, document, file, advice=advice, refuse=ConfigError)
    return before if before.candidates else None
