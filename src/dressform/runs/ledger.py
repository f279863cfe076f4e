"""The visitors' book of the test split: each look at it leaves a line."""

import json
import os
from pathlib import Path

from dressform.runs.layout import ledger
from dressform.runs.manifest import now


def note_test_look(root: Path, *, what: str, run: Path | str, examples: int) -> None:
    """Append one line to ``root/test-ledger.jsonl``.

    Args:
        root: the folder of all runs.
        what: the command, such as ``train`` or ``evaluate``.
        run: whose predictions were looked at.
        examples: how many.
    """
    line = json.dumps({"time": now(), "what": what, "run": str(run), "examples": examples}) + "\n"
    # One write of one short line in append mode: lines of two processes do not mix.
    descriptor = os.open(ledger(root), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def note_look(run: Path, *, what: str, examples: int) -> str | None:
    """Note a look at a run's test predictions in the ledger of its runs folder; a run copied out of
    one has none.

    Returns:
        why it could not be written, for the user, or None.
    """
    parents = run.resolve().parents
    if len(parents) < 3 or not ledger(parents[2]).exists():
        return None
    try:
        note_test_look(parents[2], what=what, run=run, examples=examples)
    except OSError as error:
        return f"this look at test could not be written to {ledger(parents[2])} ({error.strerror})"
    return None
