"""Structured logs: a line of JSON for every event, on stderr."""

import json
import logging
import sys
from datetime import UTC, datetime

from dressform.core.text import one_line


class JsonLines(logging.Formatter):
    """A record as one line of JSON: ``time``, ``level``, ``logger``, ``message``, what
    ``extra={"facts": {…}}`` adds, and ``error`` with the traceback of an exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": one_line(record.getMessage()),
        }
        facts |= getattr(record, "facts", {})
        if record.exc_info:
            facts["error"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Write what all libraries log to stderr from now on, ours from ``level`` on and others' only
    warnings.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    ours = logging.getLogger("dressform")
    ours.handlers.clear()  # of the commands, which write for people
    ours.setLevel(level)
    ours.propagate = True
