"""gpu.json: written by gpu.py and, step by step, by gpu_steps.py."""

import json
from pathlib import Path
from typing import Any

from report import facts

from dressform.core.files import read_json, write_json


class Report:
    """The file, changed by one process at a time.

    Args:
        path: of gpu.json, which exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def new(cls, path: Path, command: str) -> "Report":
        """Begin a report; one that is there is replaced."""
        write_json(path, {**facts(command), "steps": {}})
        return cls(path)

    def tell(self, step: str, **results: Any) -> None:
        """Add results to a step's, and write the file."""
        document = read_json(self._path)
        document["steps"].setdefault(step, {}).update(results)
        write_json(self._path, document)

    def lines(self, step: str) -> str:
        """A step's results, a line each."""
        results = read_json(self._path)["steps"].get(step, {})
        return "\n".join(f"{step}.{name}: {json.dumps(value)}" for name, value in results.items())
