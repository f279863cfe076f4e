"""The process of one training: ``python -m dressform.service.train_job FOLDER``.

It reads ``job.json`` there, trains, and writes ``report.html`` and ``result.json``. What happens is
told on stdout, a line of JSON each. The process knows nothing of the database: it may be killed at
any moment, and continues when it is started again.
"""

import contextlib
import json
import logging
import math
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dressform.core.errors import DressformError, ResourceError, RunError
from dressform.core.files import exclusive, read_json, write_json
from dressform.core.records import read_record
from dressform.core.text import one_line
from dressform.runs.annotations import MAX_LENGTH, Annotations, write_annotations
from dressform.service.training_result import JOB, REPORT, RESULT, TrainJob, TrainResult
from dressform.training.callback import Callback, Fold
from dressform.training.history import Epoch

if TYPE_CHECKING:
    from dressform.experiment.auto.auto import AutoResult

logger = logging.getLogger(__name__)

RUNS = "runs"
SPARE = 1.2
"""Times the seconds that a training needs at least on a busy machine."""
MAX_SLOWDOWN = 10.0
"""Times the budget of the project, beyond which the machine is too busy."""
NICE = 5
"""By how much a training is nicer than what answers requests."""
PATIENCE = 30
"""Seconds that the process of an earlier attempt has to die."""


class Teller(Callback):
    """Tells on stdout how far a training is."""

    def __init__(self) -> None:
        self._epochs = 0

    def tell(self, **facts: object) -> None:
        """One line of JSON."""
        line = json.dumps({key: value for key, value in facts.items() if value is not None})
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def on_phase_begin(self, name: str) -> None:
        """What begins."""
        self.tell(phase=name)

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        """The last training begins."""
        self._epochs = len(steps)
        self.tell(phase="training", epoch=len(history), epochs=len(steps))

    def on_epoch_end(self, epoch: Epoch) -> None:
        """An epoch of the last training is over."""
        self.tell(
            epoch=epoch.epoch,
            epochs=self._epochs,
            train_loss=round(epoch.train_loss, 4),
            train_accuracy=round(epoch.train_accuracy, 4),
            val_loss=None if epoch.val_loss is None else round(epoch.val_loss, 4),
            val_accuracy=None if epoch.val_accuracy is None else round(epoch.val_accuracy, 4),
            seconds_left=self._seconds_left(epoch),
        )

    def _seconds_left(self, epoch: Epoch) -> float:
        """Until the last epoch is over, which may be earlier than planned: by the clock."""
        planned = epoch.seconds * (self._epochs - epoch.epoch)
        left = planned if self.deadline is None else min(planned, self.deadline.left())
        return round(max(0.0, left), 1)

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        """A fold of a comparison is over."""
        self.tell(fold=fold.fold + 1, recipe=fold.recipe, accuracy=round(accuracy, 4))


def train(folder: Path) -> TrainResult:
    """Do the job of a folder, or what is left of it.

    Raises:
        DressformError: the images cannot be trained on.
    """
    from dressform.workbench.pages import report

    teller = Teller()
    folder = folder.resolve()
    job = read_record(TrainJob, read_json(folder / JOB), folder / JOB)
    with contextlib.chdir(folder):  # no file that clients get names the paths of the server
        result = _train_in_time(folder, teller)
        teller.on_phase_begin("writing the report")
        write_annotations(result.run.path, Annotations(name=_label(job.title)))
        report(result.run, out=REPORT)
        return _summary(result)


def _train_in_time(folder: Path, teller: Teller) -> "AutoResult":
    """Train within the budget; with a larger one where the machine is so busy that there would be
    no model at all.
    """
    from dressform.experiment.auto.search import SmallBudgetError
    from dressform.workbench.training import train_auto

    while True:
        job = read_record(TrainJob, read_json(folder / JOB), folder / JOB)
        try:
            return train_auto(
                job.listing,
                budget=job.budget,
                out=RUNS,
                resume=True,
                callback=teller,
                progress=False,
                image_column="image",
                label_column="label",
                split_column="split",
            )
        except SmallBudgetError as error:
            budget = math.ceil(SPARE * error.needed)
            if budget > MAX_SLOWDOWN * job.requested:
                raise
            logger.info("%s; trying again with %d s", error, budget)
            shutil.rmtree(folder / RUNS, ignore_errors=True)
            write_json(folder / JOB, vars(replace(job, budget=float(budget))))
            teller.tell(phase="the machine is busy: the training takes longer", budget=budget)


def _label(title: str) -> str:
    """A title as the name of a run."""
    return one_line(title).replace("/", "-").strip()[-MAX_LENGTH:].strip()


def _summary(result: "AutoResult") -> TrainResult:
    """The headline: the winner's cross-validation where there was time for one, else validation."""
    from dressform.evaluation.evaluate import estimate
    from dressform.evaluation.intervals import across_folds
    from dressform.evaluation.metrics import METRICS

    run = result.run
    validation = run.predictions("validation")
    if result.candidates:
        best = result.candidates[0]
        found = across_folds(best.accuracies, len(best.accuracies)).clip(0, 1)
        protocol = f"{len(best.accuracies)}-fold cross-validation"
    else:
        found = estimate(METRICS["accuracy"], validation)
        protocol = f"{len(validation):,} held-out images"
    return TrainResult(
        run=str(run.path),
        recipe=run.manifest.recipe,
        class_names=run.manifest.dataset.class_names,
        accuracy=found.value,
        low=found.low,
        high=found.high,
        protocol=protocol,
        examples=len(result.data.train),
        held_out=len(validation),
    )


def main() -> None:
    """Do one job; exit with 1, and a line on stdout, if it cannot be done."""
    from dressform.kernels.process import tune_process

    folder, teller = Path(sys.argv[1]), Teller()
    threading.Thread(target=_end_with_worker, daemon=True).start()
    if sys.platform != "win32":
        os.nice(NICE)  # predictions go first
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    tune_process()
    try:
        with _alone(folder):
            result = train(folder)
            write_json(folder / RESULT, vars(result))
    except KeyboardInterrupt:
        sys.exit(130)
    except (ResourceError, OSError, MemoryError) as error:
        logger.exception("interrupted")
        teller.tell(error=_reason(error), retry=True)
        sys.exit(1)
    except DressformError as error:
        logger.exception("refused")
        teller.tell(error=_reason(error))
        sys.exit(1)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}"
    if isinstance(error, MemoryError):
        return "there is not enough memory; give the machine more, or use fewer or smaller images"
    # What a library call calls its argument is the project's setting here.
    return re.sub(r"budget='?([^' ]+)'?", r"a budget of \1", str(error))


def _end_with_worker() -> None:
    """Die with the worker, however it dies: its end of the pipe is closed then. What is half
    written is written anew by the next attempt.
    """
    while os.read(0, 1024):
        pass
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder; the process of an attempt before this one may need a moment to die.

    Raises:
        ResourceError: another process trains there.
    """
    for _ in range(PATIENCE):
        with contextlib.suppress(RunError), contextlib.ExitStack() as stack:
            stack.enter_context(exclusive(folder / "lock"))
            stack = stack.pop_all()
            break
        time.sleep(1)
    else:
        raise ResourceError("another process still works on this training")
    with stack:
        yield


if __name__ == "__main__":
    main()
