"""`Run`: a run directory, opened for reading."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dressform.core.display import brief, paragraph
from dressform.core.errors import RunError, unknown_name
from dressform.core.files import is_locked, user_path
from dressform.core.links import link
from dressform.core.numbers import percent
from dressform.core.text import counted
from dressform.predictions import Predictions
from dressform.runs.annotations import read_annotations
from dressform.runs.history import EpochRow, read_history
from dressform.runs.layout import DEFAULT_ROOT, Layout
from dressform.runs.manifest import Manifest

SPLITS = ("validation", "test")
FEW_VALIDATION = 20
"""With fewer validation images the best run is hardly more than the luckiest."""
Status = Literal["finished", "running", "stopped", "failed"]


@dataclass(frozen=True)
class Run:
    """A run, finished or not.

    Attributes:
        path: its directory.
        manifest: its record.
    """

    path: Path
    manifest: Manifest

    def __repr__(self) -> str:
        return brief(self, self.name, *self._facts(), str(self.path))

    def _repr_html_(self) -> str:
        facts = ", ".join(self._facts())
        files = [self.layout.figures / "confusion.png", self.layout.report]
        links = " · ".join(link(path) for path in [self.path, *(f for f in files if f.exists())])
        title = f"{self.name} on {self.manifest.dataset.name}: {facts}"
        return f"{paragraph(title)}<div>{links}</div>"

    def _facts(self) -> list[str]:
        """Its status unless it is finished, and its accuracies."""
        accuracies = (("validation", self.val_accuracy), ("test", self.test_accuracy))
        shown = [f"{split} accuracy {percent(v)}" for split, v in accuracies if v is not None]
        return [*([] if self.status == "finished" else [self.status]), *shown]

    @property
    def status(self) -> Status:
        """``finished``; ``running``, a process is writing to it; ``stopped`` before its end, to be
        continued with ``resume=True``; or ``failed`` with an error.
        """
        state = self.manifest.state
        return "running" if state != "finished" and is_locked(self.layout.lock) else state

    @property
    def val_accuracy(self) -> float | None:
        """Accuracy on the validation split, 0..1; None of a run that has none or is unfinished."""
        return self.manifest.results.get("val_accuracy")

    @property
    def test_accuracy(self) -> float | None:
        """Accuracy on the test split, 0..1, measured once after the training; None of a run that
        has none or is unfinished.
        """
        return self.manifest.results.get("test_accuracy")

    @property
    def layout(self) -> Layout:
        """The paths of its files."""
        return Layout(self.path)

    @property
    def name(self) -> str:
        """The name that the user gave it, else recipe, changed settings and seed; for titles."""
        with contextlib.suppress(RunError):  # a damaged file is told by the table of runs
            given = read_annotations(self.path).name
            if given is not None:
                return given
        return self.manifest.name

    def check_finished(self) -> None:
        """Refuse what needs the result of the training.

        Raises:
            RunError: the run is not finished.
        """
        if self.manifest.status != "finished":
            raise RunError(
                f"{self.path} is {self.status}, not finished; train it with resume=True first"
            )

    def predictions(self, split: str = "test") -> Predictions:
        """The predictions of the run's model on a split.

        Args:
            split: ``validation`` or ``test``.

        Raises:
            UnknownNameError: the split is unknown, or the data had none.
            RunError: the run is not finished.
        """
        self.check_finished()
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
        is_word = len(folder.parts) == 1 and not folder.suffix
        or_recipe = f"; if {path} is a recipe, train it first" if is_word else ""
        raise RunError(
            f"{path} does not exist; give the folder of a run, such as "
            f"runs/fashion-mnist/fast-…/seed0{or_recipe}"
        )
    layout = Layout(folder)
    if not layout.manifest.is_file():
        inside = sorted(folder.glob(f"*/{layout.manifest.name}"))
        advice = Path(path, inside[0].parent.name) if inside else "a folder that has one"
        raise RunError(f"{path} has no {layout.manifest.name}, so it is not a run; give {advice}")
    return Run(folder, Manifest.load(layout.manifest))


def finished_runs(root: str | Path = DEFAULT_ROOT) -> list[Run]:
    """All finished runs under ``root``, sorted by path; runs that cannot be opened are skipped."""
    root = user_path(root)
    runs = []
    for path in sorted(root.glob("*/*/*/manifest.json")):
        with contextlib.suppress(RunError):
            run = open_run(path.parent)
            if run.manifest.status == "finished":
                runs.append(run)
    return runs


def best_run(root: str | Path = DEFAULT_ROOT) -> tuple[Run, str]:
    """The run under ``root`` with the best validation accuracy, and why it was chosen; ties go to
    the one finished last.

    Raises:
        RunError: there are no runs, or runs of several datasets, among which the user has to
            choose.
    """
    root = user_path(root)
    runs = finished_runs(root)
    if not runs:
        raise RunError(
            f"no finished run under {root}{'/' if root.is_dir() else ' (no such folder)'}; train "
            f"one, or name one with model="
        )
    return best_of(runs, root)


def best_of(runs: Sequence[Run], root: Path) -> tuple[Run, str]:
    """The best on validation of one or more finished runs, and why; ``root`` is for messages.

    Raises:
        RunError: they are of several datasets.
    """
    best_by_dataset: dict[str, Run] = {}
    for run in runs:
        name = run.manifest.dataset.name
        if name not in best_by_dataset or _rank(run) >= _rank(best_by_dataset[name]):
            best_by_dataset[name] = run
    if len(best_by_dataset) > 1:
        choices = "; ".join(
            f"{name}: model={str(run.path)!r}" for name, run in best_by_dataset.items()
        )
        raise RunError(
            f"{root} has models of {len(best_by_dataset)} datasets; choose one, such as the best "
            f"of each: {choices}"
        )
    ((name, run),) = best_by_dataset.items()
    value = run.val_accuracy
    if len(runs) == 1:
        return run, f"the only run of {name}"
    score = f", validation accuracy {percent(value)}" if value is not None else ""
    count = run.manifest.dataset.examples.get("validation", 0)
    if score and count < FEW_VALIDATION:
        score += f" of {counted(count, 'image')} only, so chance may have chosen it"
    return run, f"the best of {len(runs)} runs of {name}{score}"


def _rank(run: Run) -> tuple[float, str]:
    return rank(run.val_accuracy, run.manifest.finished or "")


def rank(val_accuracy: float | None, finished: str) -> tuple[float, str]:
    """The key by which the best run is found: validation accuracy, then the time of finishing."""
    return -1.0 if val_accuracy is None else val_accuracy, finished
