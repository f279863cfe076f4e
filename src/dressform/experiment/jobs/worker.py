"""A worker process: reads folds to train as lines of JSON on stdin, and writes events as lines of
JSON on stdout.

Started by :mod:`dressform.experiment.jobs.pool`. When the parent is gone, stdin ends and so does
this process at once, whatever it is doing; what it had finished is on disk.
"""

import json
import os
import queue
import signal
import sys
import threading

from dressform.core.errors import DressformError, RunError
from dressform.core.threads import wait_briefly
from dressform.experiment.jobs.fold_job import (
    Event,
    FoldFailed,
    FoldFinished,
    FoldJob,
    Tell,
    event_to_json,
    job_from_json,
)


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which stops its workers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a user's recipe prints must not get among the answers
    jobs: queue.SimpleQueue[FoldJob] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            jobs.put(job_from_json(json.loads(line)))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()

    def tell(event: Event) -> None:
        try:
            answers.write(json.dumps(event_to_json(event)) + "\n")
        except BrokenPipeError:
            os._exit(1)

    wait_briefly()

    import torch

    from dressform.kernels.process import tune_process

    torch.set_num_threads(int(sys.argv[1]))
    tune_process()
    while True:
        _serve(jobs.get(), tell)


def _serve(job: FoldJob, tell: Tell) -> None:
    from dressform.experiment.crossval.fold import run_job

    try:
        tell(FoldFinished(result=run_job(job, tell)))
    except DressformError as error:
        tell(FoldFailed(kind=type(error).__name__, message=str(error)))
    except OSError as error:
        reason = f"{error.filename or 'a file'} cannot be written or read"
        advice = (
            "finished epochs are kept: make room or fix the path, then continue with resume=True"
        )
        message = f"{reason} ({error.strerror or error}); {advice}"
        tell(FoldFailed(kind=RunError.__name__, message=message))


if __name__ == "__main__":
    main()
