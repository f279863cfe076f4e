"""Independent folds in worker processes that share the machine's cores."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from dressform.core import errors
from dressform.core.errors import DressformError, RunError, TrainingError
from dressform.core.threads import cores
from dressform.experiment.jobs.fold_job import (
    Event,
    FoldFailed,
    FoldFinished,
    FoldJob,
    FoldResult,
    event_from_json,
)
from dressform.training.device import choose_device

TellJob = Callable[[int, Event], None]
"""Told of an event of the job at an index; called from one thread at a time."""


def choose_workers(requested: int | None, jobs: int, device: str) -> tuple[int, int]:
    """How many processes, and how many threads for each.

    One process per core, as far as there are jobs: small networks keep one core busy and waste a
    part of the second (benchmarks/reports has the figures). On a GPU one process.
    """
    if requested is None:
        requested = 1 if choose_device(device).type == "cuda" else cores()
    workers = max(1, min(requested, jobs))
    return workers, max(1, cores() // workers)


def run_jobs(
    jobs: Sequence[FoldJob], *, workers: int, threads: int, tell: TellJob
) -> list[FoldResult]:
    """Do all jobs and give their results in the order of the jobs.

    Args:
        jobs: each goes to a worker process as a line of JSON.
        workers: processes.
        threads: of each process.
        tell: told of each event.

    Raises:
        DressformError: of the first job that failed; the others are stopped, and what they had
            finished is kept.
        RunError: a worker process died.
    """
    pool = _Pool(jobs, tell)
    processes = [_start(threads) for _ in range(min(workers, len(jobs)))]
    listeners = [threading.Thread(target=pool.serve, args=(p,), daemon=True) for p in processes]
    try:
        for listener in listeners:
            listener.start()
        return pool.wait()
    finally:
        for process in processes:
            process.kill()
        for process, listener in zip(processes, listeners, strict=True):
            process.wait()
            listener.join()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # a dead worker's pipe cannot be flushed
                        pipe.close()


def _start(threads: int) -> "subprocess.Popen[str]":
    # A session of its own: Ctrl-C goes to the parent alone, which then stops the workers.
    return subprocess.Popen(
        # -P: what lies in the working directory, which may be a stranger's, is no library
        [sys.executable, "-P", "-m", "dressform.experiment.jobs.worker", str(threads)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if Path(p).is_absolute()),
            "OMP_NUM_THREADS": str(threads),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


class _Pool:
    """Jobs, results and the first error, shared by one thread per worker."""

    def __init__(self, jobs: Sequence[FoldJob], tell: TellJob) -> None:
        self._waiting: queue.SimpleQueue[tuple[int, FoldJob]] = queue.SimpleQueue()
        for item in enumerate(jobs):
            self._waiting.put(item)
        self._results: dict[int, FoldResult] = {}
        self._count, self._tell, self._lock = len(jobs), tell, threading.Lock()
        self._outcomes: queue.SimpleQueue[DressformError | None] = queue.SimpleQueue()

    def wait(self) -> list[FoldResult]:
        """Until every job is done, or one failed."""
        for _ in range(self._count):
            error = self._outcomes.get()
            if error is not None:
                raise error
        return [self._results[index] for index in range(self._count)]

    def serve(self, process: "subprocess.Popen[str]") -> None:
        """Give a worker one job after the other and pass on what it says."""
        assert process.stdin is not None
        while True:
            try:
                index, job = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                process.stdin.write(json.dumps(asdict(job)) + "\n")
                process.stdin.flush()
                self._outcomes.put(self._listen(index, process))
            except OSError:
                self._outcomes.put(_died(process))
                return

    def _listen(self, index: int, process: "subprocess.Popen[str]") -> DressformError | None:
        assert process.stdout is not None
        for line in process.stdout:
            event = event_from_json(json.loads(line))
            if isinstance(event, FoldFailed):
                return _error(event)
            if isinstance(event, FoldFinished):
                self._results[index] = event.result
            with self._lock:
                self._tell(index, event)
            if isinstance(event, FoldFinished):
                return None
        return _died(process)


def _error(event: FoldFailed) -> DressformError:
    kind = getattr(errors, event.kind, TrainingError)
    return kind(event.message) if issubclass(kind, DressformError) else TrainingError(event.message)


def _died(process: "subprocess.Popen[str]") -> RunError:
    code = process.wait()
    return RunError(
        f"a worker process ended with code {code}"
        + (" (killed, perhaps because memory ran out)" if code in (-9, 137) else "")
        + "; finished folds are kept: continue with resume=True, and with fewer workers= if memory "
        "is "
        "short"
    )
