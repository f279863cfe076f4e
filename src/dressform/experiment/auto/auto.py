"""`train_auto`: looks at the data, compares what could learn them by cross-validation, and trains
the best, in the time given.

Estimates decide what is begun; the clock decides what is finished. A comparison that takes longer
than there is time for is given up, and the last training is shortened to the time that is left.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

from dressform.core import config
from dressform.core.clock import Deadline, contention
from dressform.core.display import brief, table
from dressform.core.errors import ConfigError, RunError
from dressform.core.numbers import percent
from dressform.data.audit import log_shared_images
from dressform.data.catalog import CATALOG
from dressform.data.dataset import DatasetSplits
from dressform.data.group_advice import log_group_advice
from dressform.data.read_options import ReadOptions
from dressform.data.source import log_notes
from dressform.experiment.auto.budget import AutoPlan, Budget, read_plan
from dressform.experiment.auto.compared import Compared
from dressform.experiment.auto.reader import Reader
from dressform.experiment.auto.search import Search
from dressform.experiment.options import RunOptions
from dressform.runs.layout import auto_plan, dataset_folder
from dressform.runs.run import Run

logger = logging.getLogger(__name__)

MIN_BUDGET = 30.0
"""Seconds of the smallest budget."""
DRAWING_SECONDS, GRACE = 4.0, 10.0
"""For figures; and how much later than the budget they may be finished."""


@dataclass(frozen=True)
class AutoResult:
    """The result of an automatic training.

    Attributes:
        run: the best candidate's, trained on all training examples.
        data: what it was trained on.
        candidates: best first; empty where there was no time to compare any.
        skipped: why other candidates were not tried or not finished, a line each.
        seconds: of the budget, spent by all calls together.
        deadline: by when the drawing of figures has to begin.
    """

    run: Run
    data: DatasetSplits
    candidates: list[Compared]
    skipped: list[str]
    seconds: float
    deadline: Deadline

    def __repr__(self) -> str:
        return brief(
            self, "", repr(self.run), f"{len(self.candidates)} candidates", f"{self.seconds:.0f} s"
        )

    def _repr_html_(self) -> str:
        rows = [
            [one.description, percent(one.mean), f"{one.seconds:.0f} s"] for one in self.candidates
        ]
        header = ["candidate", "mean accuracy", "time"]
        return (table(header, rows) if rows else "") + self.run._repr_html_()


def train_auto(
    source: str | Path,
    *,
    budget: float = 600.0,
    elapsed: float = 0.0,
    seed: int = 0,
    reading: ReadOptions,
    options: RunOptions,
) -> AutoResult:
    """Find the best candidate within a time budget, and train it.

    Up to three candidates, where ImageNet weights are installed: a linear probe on a pretrained
    network, which small grey images do not get; the pretrained network fine-tuned; and a small CNN
    trained from scratch, which fewer than 20,000 colour photos get only where there is no time for
    the others. They are compared by cross-validation on the training examples; neither validation
    nor test is looked at before the best is trained, or the best and another whose mean is better.

    Args:
        source: a dataset's name or a path.
        budget: seconds for everything, 30 or more. What a candidate takes is found by short
            trainings; each gets as many epochs as fit into its share of the time, and what does not
            fit is skipped. If fine-tuning wins, it is trained for the time that is left. Whatever
            was estimated, the clock decides: a comparison that takes too long is given up, and the
            last training ends in time, with its schedule.
        elapsed: seconds of the budget that are spent already.
        seed: of folds and training.
        reading: how the data are read; its image size is each recipe's own by default.
        options: where and on what; resuming continues where a killed call stopped, with the
            candidates that it had chosen for the same data and budget, and the time that it left.

    Raises:
        ConfigError: the budget is too small for any of them.
        RunError: the folder already exists, and ``resume`` is false.
        DataError: the data cannot be read.
    """
    if not budget >= MIN_BUDGET:
        raise ConfigError(f"the budget is {budget:g} s; allowed: {MIN_BUDGET:g} s or more")
    began = time.monotonic()
    end = Deadline(at=began - elapsed + budget)
    read = Reader(source, reading, end)
    data = read(reading.image_size)
    first = time.monotonic() - began
    log_notes(data)
    log_group_advice(data)
    if str(source) not in CATALOG:
        log_shared_images(data)
    logger.info(describe_data(data))
    digest = config.digest([split.digest for _, split in data])
    plan = AutoPlan(digest, budget, reading.image_size)
    name = _own_name(data, plan, seed, options)
    read.rename(name)
    file = auto_plan(options.out, name, seed)
    plan = _plan(file, plan, options)
    clock = Budget(plan, file, elapsed + time.monotonic() - began)
    search = Search(read, clock, seed, options)
    if not plan.candidates:
        search.choose(first)
    else:
        logger.info(f"{plan.spent:.0f} s of the budget are spent, {max(0, clock.left):.0f} s left")
    for line in clock.plan.skipped:
        logger.info("skipped %s", line)
    results = search.compare()
    best, compared = search.winner(results)
    run = search.train(best)
    if compared:
        compared[0] = replace(compared[0], command=best.command)
    clock.keep(finished=True)
    skipped = clock.plan.skipped
    deadline = clock.deadline(DRAWING_SECONDS * contention() - GRACE)
    return AutoResult(run, read(best.image_size), compared, skipped, clock.spent, deadline)


def _own_name(data: DatasetSplits, plan: AutoPlan, seed: int, options: RunOptions) -> str:
    """The data's name; with their digest where an earlier call had other data of that name, whose
    comparisons and runs would be found for these otherwise.
    """
    file = auto_plan(options.out, data.name, seed)
    before = read_plan(file)
    if before is None or before.digest in (plan.digest, data.train.digest):
        return data.name
    name = f"{data.name}-{plan.digest}"
    if options.resume and not auto_plan(options.out, name, seed).exists():
        raise _nothing_to_continue(file, before, plan)
    folder = dataset_folder(options.out, name)
    logger.info(f"{data.name} has changed since the last call, so this one goes to {folder}")
    return name


def _plan(file: Path, plan: AutoPlan, options: RunOptions) -> AutoPlan:
    """The plan that is continued, or a new one."""
    before = read_plan(file)
    if before is None:
        if options.resume:
            logger.warning(
                f"nothing to continue: {file} does not exist; starting from the beginning"
            )
        return plan
    plan = replace(plan, digest=before.digest)  # the same data: the file is theirs
    differences = before.differences(plan)
    if not differences and not options.resume and not before.finished:
        raise RunError(
            f"{file} already exists: train auto was called for the same data and budget, and did "
            f"not finish; resume=True continues it, or choose another out="
        )
    if differences and options.resume:
        raise _nothing_to_continue(file, before, plan)
    return plan if differences else before


def _nothing_to_continue(file: Path, before: AutoPlan, plan: AutoPlan) -> RunError:
    return RunError(
        f"nothing to continue: {file} is of a call with different "
        f"{' and '.join(before.differences(plan))} (budget {before.budget:g} s, {before.spent:.0f} "
        f"s spent); repeat that call, or leave out resume=True to start over"
    )


def describe_data(data: DatasetSplits) -> str:
    """Examples, classes, size and colour in one line."""
    height, width, channels = data.shape
    counts = data.train.counts
    least, most = (
        f"{data.class_names[i]} {counts[i]:,}" for i in (int(counts.argmin()), int(counts.argmax()))
    )
    spread = f"{counts[0]:,} each" if counts.min() == counts.max() else f"{least} to {most}"
    return (
        f"{len(data.train):,} training images of {len(data.class_names)} classes ({spread}), "
        f"{'colour' if channels == 3 else 'grey'}, read at {height} x {width}"
    )
