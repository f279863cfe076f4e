"""`Worker`: leases trainings from the database and has each done by a process of its own."""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from dressform.core.errors import DressformError, ResourceError
from dressform.core.files import write_json
from dressform.service import queue
from dressform.service.cleanup import CleanUp
from dressform.service.database.connection import Database
from dressform.service.database.tables import Document, Job, Model, Project, utc_now
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store, folder_bytes
from dressform.service.suggest import suggest, waiting_projects
from dressform.service.training import labelled_images, lay_out, missing_of
from dressform.service.training_process import TrainingProcess, train_command
from dressform.service.training_result import JOB, RESULT, TrainJob, TrainResult, read_result
from dressform.service.training_result import report_of as report_of
from dressform.service.training_result import weights_of as weights_of

logger = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds between two looks for work."""
TELL_EVERY = 0.5
"""Seconds between two lines of progress in the database."""
SUGGEST_AGAIN = 60.0
"""Seconds after which a model that gave no suggestions is asked again."""
RETRIES = 20
"""Times that a database that does not answer is asked again, a second apart."""

State = Literal["succeeded", "failed", "cancelled", "died", "stopped", "lost"]


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt at a training.

    Attributes:
        state: ``died`` may be tried again, ``stopped`` was by the worker's own end, ``lost`` is
            another worker's now, or was deleted.
        error: why, one line; None if nothing went wrong.
        result: of one that succeeded.
    """

    state: State
    error: str | None = None
    result: TrainResult | None = None


class Worker:
    """Does one training at a time; between them, suggestions and the clean-up.

    Args:
        database: of the service.
        store: of the service.
        settings: of the service.
        name: of the worker; default: host and process.
        command: what trains in a job's folder.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        settings: ServiceSettings,
        name: str | None = None,
        command: Callable[[Path], Sequence[str]] = train_command,
    ) -> None:
        self._database, self._store, self._settings = database, store, settings
        self._command = command
        self._clean_up = CleanUp(database, store, settings)
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self._suggest_again: dict[str, float] = {}
        self._looked, self._job_waits = 0.0, False

    def stop(self) -> None:
        """End after what is being done now has been given back to the queue."""
        self._stopping.set()

    def run(self) -> None:
        """Work until :meth:`stop` is called. A database that does not answer is waited for."""
        failing = False
        while not self._stopping.is_set():
            busy = False
            try:
                busy = self.work_once() or self._between()
                failing = False
            except ResourceError as error:
                if not failing:  # once, not every second
                    logger.warning(f"worker {self.name} waits: {error}")
                failing = True
            if not busy:
                self._stopping.wait(IDLE)

    def work_once(self) -> bool:
        """Do the next job, if there is one.

        Returns:
            whether there was one.

        Raises:
            ResourceError: the database does not answer.
        """
        settings = self._settings
        with self._database.transaction() as session:
            job = queue.lease(session, self.name, settings.lease, attempts=settings.attempts)
        if job is None:
            return False
        logger.info(f"training {job.id} begins, attempt {job.attempts}")
        folder: Path | None = None
        try:
            folder = self._prepare(job)
            outcome = self._train(job, folder)
        except OSError as error:  # a full disk, a lost image
            name = f"{error.filename}: " if error.filename else ""
            outcome = Outcome("died", f"{name}{error.strerror or error}")
        except ResourceError as error:
            outcome = Outcome("died", str(error))
        except DressformError as error:
            outcome = Outcome("failed", str(error))
        ended = self._conclude(job, folder, outcome)
        if outcome.state == "succeeded" and ended:
            self._suggest(job.project_id)
        return True

    def _prepare(self, job: Job) -> Path:
        """The job's folder, with the table of its images; that of an earlier attempt stays.

        Raises:
            DressformError: the project was deleted, or has too few images by now.
            OSError: the folder cannot be written.
        """
        with self._database.reading() as session:
            model, project = session.get(Model, job.model_id), session.get(Project, job.project_id)
            if model is None or project is None:
                raise DressformError("its project was deleted")
            folder = self._store.model_folder(project.id, model.version)
            laid_out = (folder / JOB).exists()
            examples = [] if laid_out else labelled_images(session, project.id)
        if laid_out:
            return folder
        counts: dict[str, int] = {}
        for example in examples:
            counts[example.label] = counts.get(example.label, 0) + 1
        missing = missing_of(counts)
        if missing is not None:
            raise DressformError(missing)
        folder.mkdir(parents=True, exist_ok=True)
        listing = lay_out(folder, examples, self._store)
        title = f"{project.name}, version {model.version}"
        facts = TrainJob(
            listing=listing.name, budget=project.budget, requested=project.budget, title=title
        )
        write_json(folder / JOB, vars(facts))
        return folder

    def _train(self, job: Job, folder: Path) -> Outcome:
        """Have a job done, unless an earlier attempt has done it and could not write it down."""
        if not (folder / RESULT).exists():
            with TrainingProcess(self._command(folder), folder) as process:
                ended = self._follow(job, process)
                process.end()
                if ended is not None:
                    return ended
                if process.returncode != 0:
                    return Outcome("died", process.reason())
            if not (folder / RESULT).exists():
                return Outcome("died", "the training process ended without a result")
        return Outcome("succeeded", result=read_result(folder))

    def _follow(self, job: Job, process: TrainingProcess) -> Outcome | None:
        """Pass on what a training tells, and keep the lease, until it has to end; None if it ends
        by itself.
        """
        lease = self._settings.lease
        wait = max(0.05, min(TELL_EVERY, lease / 3))
        progress, ended = Document(), None
        renewed = told = time.monotonic()
        while True:
            facts = process.next(wait)
            if facts is None:
                self._tell(job, progress)
                return ended
            if "error" in facts:
                again = bool(facts.pop("retry", False))
                ended = Outcome("died" if again else "failed", str(facts.pop("error")))
            progress |= facts
            now = time.monotonic()
            if progress and now - told >= TELL_EVERY:
                told = now
                self._tell(job, progress)
                progress = Document()
            if self._stopping.is_set():
                return Outcome("stopped")
            if now - renewed >= lease / 3:
                renewed = now
                with contextlib.suppress(ResourceError):  # the next one may come through in time
                    with self._database.transaction() as session:
                        kept = queue.renew(session, job.id, self.name, lease)
                    if not kept:
                        return Outcome("lost" if kept is None else "cancelled")

    def _tell(self, job: Job, progress: Document) -> None:
        if not progress:
            return
        with contextlib.suppress(ResourceError), self._database.transaction() as session:
            current = session.get(Job, job.id, with_for_update=True)
            if current is not None and current.worker == self.name:
                queue.report_progress(session, current, progress)

    def _conclude(self, job: Job, folder: Path | None, outcome: Outcome) -> bool:
        """Write down what became of a job; a database that is gone for a while loses nothing.

        Returns:
            whether the job has ended, and that is written down.
        """
        why = f", {outcome.error}" if outcome.error else ""
        logger.info(f"training {job.id}: {outcome.state}{why}")
        if outcome.state == "lost":
            return False
        size = 0 if folder is None else folder_bytes(folder)
        for attempt in range(RETRIES):
            try:
                with self._database.transaction() as session:
                    ended = self._write(session, job, outcome, size)
            except ResourceError as error:
                logger.warning(f"training {job.id} cannot be written down: {error}")
                if attempt + 1 < RETRIES:
                    time.sleep(1)
                continue
            if ended and folder is not None:
                self._store.delete_training_data(folder, keep_model=outcome.state == "succeeded")
            return ended
        # The lease ends, and another attempt finds the finished training in its folder.
        return False

    def _write(self, session: Session, job: Job, outcome: Outcome, size: int) -> bool:
        current = session.get(Job, job.id, with_for_update=True)
        if current is None or current.worker != self.name or current.state != "running":
            return False  # deleted, or another worker's by now
        if outcome.state in ("died", "stopped"):
            queue.give_back(
                session,
                current,
                outcome.error,
                attempts=self._settings.attempts,
                counts=outcome.state == "died",
            )
            return current.state != "queued"
        if outcome.result is None:
            queue.end(session, current, outcome.state, outcome.error)
            return True
        model = session.get_one(Model, current.model_id)
        project = session.get_one(Project, current.project_id, with_for_update=True)
        result = outcome.result
        model.state, model.finished, model.size = "ready", utc_now(), size
        model.recipe, model.classes = result.recipe, {"names": list(result.class_names)}
        model.examples = result.examples
        model.scores = {
            "accuracy": result.accuracy,
            "low": result.low,
            "high": result.high,
            "protocol": result.protocol,
            "held_out": result.held_out,
        }
        if project.promoted_id is None:
            project.promoted_id = model.id
        queue.end(session, current, "succeeded")
        return True

    def _between(self) -> bool:
        """What is done while no training waits: suggestions for new images, and the clean-up.

        Returns:
            whether there was something to do.
        """
        self._clean_up.now_and_then()
        with self._database.reading() as session:
            projects = waiting_projects(session)
        now = time.monotonic()
        for project_id in projects:
            if self._suggest_again.get(project_id, now) <= now:
                return self._suggest(project_id)
        return False

    def _suggest(self, project_id: str) -> bool:
        """Suggestions of the project's model; one that gives none is asked again later, and one
        that takes long rests as long: it looks at all unlabelled images each time.
        """
        found, began = False, time.monotonic()
        try:
            found = bool(suggest(self._database, self._store, project_id, stop=self._stops))
        except DressformError as error:
            logger.warning(f"project {project_id} gets no suggestions: {error}")
        ended = time.monotonic()
        self._suggest_again[project_id] = ended + (ended - began if found else SUGGEST_AGAIN)
        return found

    def _stops(self) -> bool:
        """Whether suggestions are to end: with the worker, or since a training waits."""
        now = time.monotonic()
        if now - self._looked >= IDLE:
            self._looked = now
            with self._database.reading() as session:
                self._job_waits = queue.has_waiting_job(session)
        return self._stopping.is_set() or self._job_waits
