"""A worker process: reads jobs as lines of JSON on stdin, tells of events as lines of JSON on
stdout.

Started by :mod:`dressform.experiment.workers`. When the parent is gone, stdin ends and so does this
process at once, whatever it is doing; what it had finished is on disk.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from dressform.core.errors import DressformError, RunError
from dressform.core.threads import wait_briefly

KINDS = {
    "fold": "dressform.experiment.fold:run_job",
    "train": "dressform.experiment.bench:run_job",
    "speed": "dressform.experiment.speed:run_job",
}
Tell = Callable[[dict[str, Any]], None]


def do_job(job: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Do one job, in whatever process: ``job["kind"]`` names the function, which gets the job and
    ``tell``.
    """
    from dressform.training.fit import telling_faults

    module, _, attribute = KINDS[job["kind"]].partition(":")
    with telling_faults():
        result: dict[str, Any] = getattr(import_module(module), attribute)(job, tell)
    return result


def main() -> None:
    """Serve until stdin ends."""
    # Ctrl-C is the parent's, which then stops its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a user's recipe prints must not get among the answers
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            jobs.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()

    def tell(event: dict[str, Any]) -> None:
        try:
            answers.write(json.dumps(event) + "\n")
        except BrokenPipeError:
            os._exit(1)

    wait_briefly()

    import torch

    from dressform.training.hardware import flush_denormals

    torch.set_num_threads(int(sys.argv[1]))
    with flush_denormals():
        _serve(jobs, tell)


def _serve(jobs: "queue.SimpleQueue[dict[str, Any]]", tell: Tell) -> None:
    while True:
        job = jobs.get()
        try:
            tell({"event": "finished", "result": do_job(job, tell)})
        except DressformError as error:
            tell({"event": "failed", "kind": type(error).__name__, "message": str(error)})
        except OSError as error:
            reason = (
                f"{error.filename or 'a file'} cannot be written or read "
                f"({error.strerror or error})"
            )
            advice = (
                "finished epochs are kept: make room or mend the path, then go on with --resume"
            )
            tell({"event": "failed", "kind": RunError.__name__, "message": f"{reason}; {advice}"})


if __name__ == "__main__":
    main()
