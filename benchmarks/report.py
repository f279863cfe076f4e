"""Where a measurement is written, and on what it was made."""

from datetime import date
from pathlib import Path
from typing import Any

from dressform.core.files import write_json
from dressform.runs.git import git_state
from dressform.runs.manifest import hardware, now, packages

FOLDER = Path(__file__).resolve().parent / "reports"


def facts(command: str) -> dict[str, Any]:
    """What made a report, and on what."""
    return {
        "command": command,
        "time": now(),
        "hardware": hardware(),
        "packages": packages(),
        "git": git_state(),
    }


def write_report(name: str, command: str, results: dict[str, Any]) -> Path:
    """Write ``reports/<date>-<name>.json`` with the command, hardware, packages and commit beside
    the results.
    """
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{date.today().isoformat()}-{name}.json"
    write_json(path, {**facts(command), "results": results})
    print(path)
    return path
