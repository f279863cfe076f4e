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
        what: ``train`` or ``evaluate``.
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
