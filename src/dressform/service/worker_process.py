"""A worker of a server: ``python -m dressform.service.worker_process``, begun by
:mod:`dressform.service.supervisor`.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from dressform.service.database.connection import Database
from dressform.service.logs import log_to_stderr
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.worker import Worker


def run_worker(settings: ServiceSettings, *, until_stdin_ends: bool = False) -> None:
    """Work until SIGINT or SIGTERM.

    Args:
        settings: of the service, whose database is of this version.
        until_stdin_ends: whether the end of stdin is a sign to stop, too.
    """
    database = Database(settings.database_url)
    worker = Worker(database, Store(settings.storage), settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stop())
    if until_stdin_ends:
        threading.Thread(target=_stop_at_end, args=(worker,), daemon=True).start()
    try:
        worker.run()
    finally:
        database.close()


def _stop_at_end(worker: Worker) -> None:
    while os.read(0, 1024):
        pass
    worker.stop()


def _settings() -> ServiceSettings:
    """From the first line of stdin, which is read byte by byte: the rest is for another."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(1)
        line += byte
    facts = json.loads(line)
    return ServiceSettings(**facts | {"storage": Path(facts["storage"])})


if __name__ == "__main__":
    log_to_stderr()
    run_worker(_settings(), until_stdin_ends=True)
