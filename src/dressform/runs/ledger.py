"""The ledger of evaluations on the test split: each one adds a line."""

import contextlib
import json
import logging
import os
from pathlib import Path

from dressform.runs.layout import ledger
from dressform.runs.manifest import now

logger = logging.getLogger(__name__)


def note_test_look(root: Path, *, what: str, run: Path | str, examples: int) -> None:
    """Append one line to ``root/test-ledger.jsonl``.

    Args:
        root: the folder of all runs.
        what: the command, such as ``train`` or ``evaluate``.
        run: whose predictions were used.
        examples: number of them.
    """
    line = json.dumps({"time": now(), "what": what, "run": str(run), "examples": examples}) + "\n"
    # One write of one short line in append mode: lines of two processes do not mix.
    descriptor = os.open(ledger(root), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def note_look(run: Path, *, what: str, examples: int) -> None:
    """Record a use of a run's test predictions in the ledger of its runs folder, unless the run was
    copied out of one. A line that could not be written is a warning.
    """
    parents = run.resolve().parents
    if len(parents) < 3 or not ledger(parents[2]).exists():
        return
    try:
        note_test_look(parents[2], what=what, run=run, examples=examples)
    except OSError as error:
        logger.warning(
            f"this use of the test split could not be recorded in {ledger(parents[2])} "
            f"({error.strerror})"
        )


def count_looks(run: Path) -> int:
    """How often the ledger of a run's runs folder says that its test predictions were used."""
    parents = run.resolve().parents
    path = ledger(parents[2]) if len(parents) > 2 else None
    if path is None or not path.is_file():
        return 0
    count = 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            named = Path(json.loads(line)["run"])
            # as it was called from another folder
            count += named.parts[-3:] == run.resolve().parts[-3:]
    return count
