"""Independent jobs in worker processes that share the machine's cores."""

import contextlib
import json
import os
import queue
import subprocess
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from dressform.core import errors
from dressform.core.errors import ConfigError, DressformError, RunError, TrainingError
from dressform.core.processes import python_environment, python_module
from dressform.experiment.worker import do_job


class JobObserver(Protocol):
    """Told of the jobs' progress; called from one thread at a time."""

    def event(self, index: int, event: dict[str, Any]) -> None:
        """Job ``index`` says something: ``event["event"]`` is ``started``, ``epoch`` or
        ``finished``.
        """


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def choose_workers(asked: int | None, jobs: int, device: str) -> tuple[int, int]:
    """How many processes, and how many threads for each.

    One process a core, as far as there are jobs: small networks keep one core busy and waste a part
    of the second (benchmarks/reports has the figures). On a GPU one process.

    Raises:
        ConfigError: fewer than one worker.
    """
    if asked is not None and asked < 1:
        raise ConfigError(f"workers is {asked}; allowed: 1 or more")
    if asked is None:
        import torch

        on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
        asked = 1 if on_gpu else cores()
    workers = max(1, min(asked, jobs))
    return workers, max(1, cores() // workers)


def run_jobs(
    jobs: Sequence[dict[str, Any]],
    workers: int,
    threads: int,
    observer: JobObserver,
    *,
    fresh: bool = False,
) -> list[dict[str, Any]]:
    """Do all jobs and give their results in the order of the jobs.

    Args:
        jobs: see :mod:`dressform.experiment.worker`; each goes through JSON.
        workers: processes; with one, the jobs are done here.
        threads: for each process.
        observer: told of the progress.
        fresh: never here, but in a process of its own that nothing has been computed in before.

    Raises:
        DressformError: of the first job that failed; the others are stopped, and what they had
            finished is kept.
        RunError: a worker process died.
    """
    if workers == 1 and not fresh:
        return [_do_here(index, job, observer) for index, job in enumerate(jobs)]
    pool = _Pool(jobs, observer)
    processes = [_start(threads) for _ in range(min(workers, len(jobs)))]
    threads_of_pool = [
        threading.Thread(target=pool.serve, args=(process,), daemon=True) for process in processes
    ]
    try:
        for thread in threads_of_pool:
            thread.start()
        return pool.wait()
    finally:
        for process in processes:
            process.kill()
        for process, thread in zip(processes, threads_of_pool, strict=True):
            process.wait()
            thread.join()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # a dead worker's pipe cannot be flushed
                        pipe.close()


def _do_here(index: int, job: dict[str, Any], observer: JobObserver) -> dict[str, Any]:
    result = do_job(job, lambda event: observer.event(index, event))
    observer.event(index, {"event": "finished", "result": result})
    return result


def _start(threads: int) -> "subprocess.Popen[str]":
    # A session of its own: Ctrl-C goes to the parent alone, which then stops the workers.
    return subprocess.Popen(
        python_module("dressform.experiment.worker", str(threads)),
        env=python_environment(OMP_NUM_THREADS=str(threads)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


class _Pool:
    """Jobs, results and the first error, shared by a thread per worker."""

    def __init__(self, jobs: Sequence[dict[str, Any]], observer: JobObserver) -> None:
        self._waiting: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        for item in enumerate(jobs):
            self._waiting.put(item)
        self._results: list[dict[str, Any]] = [{} for _ in jobs]
        self._observer, self._told = observer, threading.Lock()
        self._news: queue.SimpleQueue[DressformError | None] = queue.SimpleQueue()

    def wait(self) -> list[dict[str, Any]]:
        """Until every job is done, or one failed."""
        for _ in self._results:
            error = self._news.get()
            if error is not None:
                raise error
        return self._results

    def serve(self, process: "subprocess.Popen[str]") -> None:
        """Give a worker one job after the other and pass on what it says."""
        assert process.stdin is not None
        assert process.stdout is not None
        while True:
            try:
                index, job = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
                self._news.put(self._listen(index, process))
            except OSError:
                self._news.put(_died(process))
                return

    def _listen(self, index: int, process: "subprocess.Popen[str]") -> DressformError | None:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "failed":
                kind = getattr(errors, event["kind"], TrainingError)
                return (
                    kind(event["message"])
                    if issubclass(kind, DressformError)
                    else TrainingError(event["message"])
                )
            if event["event"] == "finished":
                self._results[index] = event["result"]
            with self._told:
                self._observer.event(index, event)
            if event["event"] == "finished":
                return None
        return _died(process)


def _died(process: "subprocess.Popen[str]") -> RunError:
    code = process.wait()
    return RunError(
        f"a worker process ended with code {code}"
        + (" (killed, for want of memory perhaps)" if code in (-9, 137) else "")
        + "; what was finished is kept: go on with --resume, and with fewer --workers if memory "
        "is short"
    )
