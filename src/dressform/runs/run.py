"""`Run`: a run directory, opened for reading."""

import contextlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dressform.core.errors import RunError, unknown_name
from dressform.core.files import user_path
from dressform.predictions import Predictions
from dressform.runs.history import read_history
from dressform.runs.layout import DEFAULT_ROOT, Layout
from dressform.runs.manifest import Manifest

SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Run:
    """A finished, started or failed run.

    Attributes:
        path: its directory.
        manifest: what it is.
    """

    path: Path
    manifest: Manifest

    @property
    def layout(self) -> Layout:
        """The paths of its files."""
        return Layout(self.path)

    @property
    def name(self) -> str:
        """Recipe and seed, for titles."""
        return f"{self.manifest.recipe}, seed {self.manifest.seed}"

    def predictions(self, split: str = "test") -> Predictions:
        """What the run's model said about a split.

        Args:
            split: ``val`` or ``test``.

        Raises:
            UnknownNameError: another split, or one that the data did not have.
            RunError: the run is not finished.
        """
        if self.manifest.status != "finished":
            raise RunError(
                f"{self.path} is {self.manifest.status}, not finished; train it with --resume first"
            )
        present = [name for name in SPLITS if self.layout.predictions(name).exists()]
        if not present:
            raise RunError(
                f"{self.path} has lost its predictions; delete that folder and train again"
            )
        if split not in present:
            raise unknown_name(f"split of {self.path}", split, present)
        return Predictions.load(self.layout.predictions(split))

    def history(self) -> list[dict[str, Any]]:
        """The rows of results.csv: numbers by column name, None where there was no validation."""
        return read_history(self.layout.results)


def open_run(path: str | Path) -> Run:
    """Open a run directory.

    Raises:
        RunError: not a run directory, damaged, or made by a newer dressform.
    """
    folder = user_path(path)
    if not folder.exists():
        raise RunError(
            f"{path} does not exist; give the folder of a run, such as "
            f"runs/fashion-mnist/fast-…/seed0"
        )
    layout = Layout(folder)
    if not layout.manifest.is_file():
        raise RunError(
            f"{path} has no {layout.manifest.name}, so it is not a run; give the folder that has "
            f"one"
        )
    return Run(folder, Manifest.load(layout.manifest))


def finished_runs(root: Path = DEFAULT_ROOT) -> list[Run]:
    """Every finished run under ``root``, by path; what cannot be opened is left out."""
    found = []
    for path in sorted(root.glob("*/*/*/manifest.json")):
        with contextlib.suppress(RunError):
            run = open_run(path.parent)
            if run.manifest.status == "finished":
                found.append(run)
    return found


def best_run(root: Path = DEFAULT_ROOT) -> tuple[Run, str]:
    """The run under ``root`` with the best validation accuracy, and why it was taken; of equals the
    one finished last.

    Raises:
        RunError: there is none, or there are runs of several datasets, between which nobody but the
            user can choose.
    """
    runs = finished_runs(root)
    if not runs:
        raise RunError(
            f"no finished run under {root}{'/' if root.is_dir() else ' (no such folder)'}; train "
            f"one, or name one with --model"
        )
    best: dict[str, Run] = {}
    for run in runs:
        name = run.manifest.dataset.name
        if name not in best or _rank(run) >= _rank(best[name]):
            best[name] = run
    if len(best) > 1:
        which = "; ".join(
            f"{name}: --model {shlex.quote(str(run.path))}" for name, run in best.items()
        )
        raise RunError(
            f"{root} has models of {len(best)} datasets; name the one to use, such as the best of "
            f"each: {which}"
        )
    ((name, run),) = best.items()
    value = run.manifest.results.get("val_accuracy")
    if len(runs) == 1:
        return run, f"the only run of {name}"
    scored = f", validation accuracy {100 * value:.2f} %" if isinstance(value, float) else ""
    return run, f"the best of {len(runs)} runs of {name}{scored}"


def _rank(run: Run) -> tuple[float, str]:
    value = run.manifest.results.get("val_accuracy")
    return float(value) if isinstance(value, (int, float)) else -1.0, run.manifest.finished or ""
