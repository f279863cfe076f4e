"""`Run`: a run directory, opened for reading."""

import contextlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from dressform.core.errors import RunError, unknown_name
from dressform.core.files import user_path
from dressform.predictions import Predictions
from dressform.runs.history import EpochRow, read_history
from dressform.runs.layout import DEFAULT_ROOT, Layout
from dressform.runs.manifest import Manifest

SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Run:
    """A run: started, finished or failed.

    Attributes:
        path: its directory.
        manifest: its record.
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
        """The predictions of the run's model on a split.

        Args:
            split: ``validation`` or ``test``.

        Raises:
            UnknownNameError: the split is unknown, or the data had none.
            RunError: the run is not finished.
        """
        if self.manifest.status != "finished":
            raise RunError(
                f"{self.path} is {self.manifest.status}, not finished; train it with --resume first"
            )
        present = [name for name in SPLITS if self.layout.predictions(name).exists()]
        if not present:
            raise RunError(
                f"{self.path} has no predictions any more; delete its folder and train again"
            )
        if split not in present:
            raise unknown_name(f"split of {self.path}", split, present)
        return Predictions.load(self.layout.predictions(split))

    def history(self) -> list[EpochRow]:
        """The rows of results.csv."""
        return read_history(self.layout.results)


def open_run(path: str | Path) -> Run:
    """Open a run directory.

    Raises:
        RunError: the folder is not a run directory, is damaged, or was made by a newer dressform.
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
            f"{path} has no {layout.manifest.name}, so it is not a run; give a folder that has one"
        )
    return Run(folder, Manifest.load(layout.manifest))


def finished_runs(root: Path = DEFAULT_ROOT) -> list[Run]:
    """All finished runs under ``root``, sorted by path; runs that cannot be opened are skipped."""
    runs = []
    for path in sorted(root.glob("*/*/*/manifest.json")):
        with contextlib.suppress(RunError):
            run = open_run(path.parent)
            if run.manifest.status == "finished":
                runs.append(run)
    return runs


def best_run(root: Path = DEFAULT_ROOT) -> tuple[Run, str]:
    """The run under ``root`` with the best validation accuracy, and why it was chosen; ties go to
    the one finished last.

    Raises:
        RunError: there are no runs, or runs of several datasets, among which the user has to
            choose.
    """
    runs = finished_runs(root)
    if not runs:
        raise RunError(
            f"no finished run under {root}{'/' if root.is_dir() else ' (no such folder)'}; train "
            f"one, or name one with --model"
        )
    best_by_dataset: dict[str, Run] = {}
    for run in runs:
        name = run.manifest.dataset.name
        if name not in best_by_dataset or _rank(run) >= _rank(best_by_dataset[name]):
            best_by_dataset[name] = run
    if len(best_by_dataset) > 1:
        choices = "; ".join(
            f"{name}: --model {shlex.quote(str(run.path))}" for name, run in best_by_dataset.items()
        )
        raise RunError(
            f"{root} has models of {len(best_by_dataset)} datasets; choose one, such as the best "
            f"of each: {choices}"
        )
    ((name, run),) = best_by_dataset.items()
    value = run.manifest.results.get("val_accuracy")
    if len(runs) == 1:
        return run, f"the only run of {name}"
    score = f", validation accuracy {100 * value:.2f} %" if isinstance(value, float) else ""
    return run, f"the best of {len(runs)} runs of {name}{score}"


def _rank(run: Run) -> tuple[float, str]:
    value = run.manifest.results.get("val_accuracy")
    return float(value) if isinstance(value, (int, float)) else -1.0, run.manifest.finished or ""
