"""Where a measurement is written, and on what it was made."""

from datetime import date
from pathlib import Path
from typing import Any

from dressform.core.files import read_json, write_json
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
    the results. Another command's report of the same day is kept; the later one is
    ``<date>-<name>.2.json``.
    """
    FOLDER.mkdir(exist_ok=True)
    stem, number = f"{date.today().isoformat()}-{name}", 1
    path = FOLDER / f"{stem}.json"
    while path.exists() and read_json(path)["command"] != command:
        number += 1
        path = FOLDER / f"{stem}.{number}.json"
    write_json(path, {**facts(command), "results": results})
    print(path)
    return path
