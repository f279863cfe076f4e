"""The reports that measurements wrote, and how a table tells what made them."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "benchmarks" / "reports"

FORMER_NAMES = {"ood": ("novelty",)}
"""What reports were called before."""

Report = dict[str, Any]


def reports(name: str) -> list[tuple[Path, Report]]:
    """The reports of that name and their files, the latest first. A day's second report ends in
    ``.2.json``.
    """
    names = (name, *FORMER_NAMES.get(name, ()))
    patterns = [f"????-??-??-{each}{number}.json" for each in names for number in ("", ".[0-9]*")]
    paths = {path for pattern in patterns for path in REPORTS.glob(pattern)}
    found = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return sorted(found, key=lambda one: str(one[1]["time"]), reverse=True)


def newest_first(name: str) -> list[Report]:
    """The same without their files."""
    return [report for _, report in reports(name)]


def newest(name: str) -> Report | None:
    """The report of that name that was written last."""
    return next(iter(newest_first(name)), None)


def measured(*names: str) -> Callable[[Callable[..., str]], Callable[[], str]]:
    """Give a table the newest reports of these names; where one is missing the table says so."""

    def around(table: Callable[..., str]) -> Callable[[], str]:
        def made() -> str:
            reports = [newest(name) for name in names]
            return "not measured yet" if None in reports else table(*reports)

        return made

    return around


def renamed(command: str) -> str:
    """A report's command as it is called now."""
    return command.replace("benchmarks/novelty.py", "benchmarks/ood.py").replace(
        "dressform bench tutorials", "python benchmarks/tutorials.py"
    )


def made_by(report: dict[str, Any]) -> str:
    """The command and the machine behind a table."""
    hardware = report["hardware"]
    command = renamed(report["command"])
    return f"(`{command}`; {hardware['processor']}, {hardware['cores']} cores.)"


def mean_and_sd(shares: list[float]) -> str:
    """``90.84 % ± 0.62``; of one, ``90.84 %``."""
    spread = f" ± {100 * statistics.stdev(shares):.2f}" if len(shares) > 1 else ""
    return f"{100 * statistics.mean(shares):.2f} %{spread}"
