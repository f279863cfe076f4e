"""`RunRow`: a run, cross-validation or tuning as a row of a table; `list_runs` finds all below a
folder.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dressform.core.display import brief
from dressform.core.errors import DressformError, RunError
from dressform.core.files import is_locked, read_json, user_path
from dressform.core.numbers import percent
from dressform.core.records import read_record
from dressform.core.text import counted
from dressform.runs.annotations import Annotations, read_annotations
from dressform.runs.crossval import CrossvalSummary, open_crossval
from dressform.runs.layout import CrossvalLayout, Layout, TuningLayout
from dressform.runs.manifest import Manifest
from dressform.runs.run import Status, rank
from dressform.runs.tuning import open_tuning

Kind = Literal["run", "crossval", "tuning"]
STATUSES = ("finished", "running", "stopped", "failed", "damaged")


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A row of the table of all runs.

    Attributes:
        path: folder.
        kind: ``run``, ``crossval`` or ``tuning``.
        data: name of the dataset.
        recipe: name.
        settings: what was changed, as ``--set`` takes it; of a tuning, the best trial's.
        seed: of the training; None of a damaged one.
        status: ``finished``; ``running``, a process is writing to it; ``stopped`` before its end,
            to be continued with ``--resume``; ``failed`` with an error; ``damaged``, unreadable.
        val_accuracy: 0..1, on held-out training images: of a run its validation split, of a
            cross-validation the mean over the folds, of a tuning the best trial's; None without.
        test_accuracy: 0..1, of a run whose data have a test split, which was then opened once,
            after the training; None without.
        parameters: numbers in the network; None where an older version did not record them.
        seconds: of training; None where unknown.
        date: when it was finished, or started if it is not: UTC, ISO 8601.
        best: whether its validation accuracy is the best among the data's finished runs.
        detail: ``5-fold``, ``12 trials``, or why it failed.
        annotations: the user's name, note and tags.
    """

    path: Path
    kind: Kind
    data: str
    recipe: str
    settings: tuple[str, ...] = ()
    seed: int | None = None
    status: Status | Literal["damaged"]
    val_accuracy: float | None = None
    test_accuracy: float | None = None
    parameters: int | None = None
    seconds: float | None = None
    date: str = ""
    best: bool = False
    detail: str = ""
    annotations: Annotations = field(default_factory=Annotations)

    def __repr__(self) -> str:
        score = "" if self.val_accuracy is None else f"validation {percent(self.val_accuracy)}"
        return brief(self, self.title, self.status, score, str(self.path))

    @property
    def title(self) -> str:
        """The user's name for it, or its recipe with what was changed."""
        if self.annotations.name is not None:
            return self.annotations.name
        detail = [self.detail] if self.kind != "run" else []
        return " ".join([self.recipe, *detail, *self.settings])

    @property
    def lock(self) -> Path:
        """The lock that a process holds while it writes to the folder."""
        return Layout(self.path).lock

    def to_json(self) -> dict[str, object]:
        """JSON types."""
        given = asdict(self.annotations)
        own = {name: value for name, value in asdict(self).items() if name != "annotations"}
        return {
            **own,
            "path": str(self.path),
            "settings": list(self.settings),
            "name": given["name"],
            "note": given["note"],
            "tags": list(given["tags"]),
        }


def list_runs(root: Path) -> list[RunRow]:
    """All runs, cross-validations and tunings below a folder, by path; the best run of each dataset
    is marked.

    Raises:
        RunError: the folder does not exist.
    """
    if not root.is_dir():
        raise RunError(f"{root} does not exist; train a run, or give the folder of runs with out=")
    rows = [row for folder in sorted(root.glob("*/*/*")) if (row := row_of(folder)) is not None]
    best: dict[str, RunRow] = {}
    for row in rows:
        if row.kind == "run" and row.status == "finished" and row.val_accuracy is not None:
            champion = best.get(row.data)
            if champion is None or _rank(row) >= _rank(champion):
                best[row.data] = row
    return [replace(row, best=best.get(row.data) is row) for row in rows]


def _rank(row: RunRow) -> tuple[float, str]:
    return rank(row.val_accuracy, row.date)


def row_of(folder: Path) -> RunRow | None:
    """The row of a folder; None if it is no run, cross-validation or tuning."""
    readers = (
        (Layout(folder).manifest, _run),
        (CrossvalLayout(folder).plan, _crossval),
        (CrossvalLayout(folder).summary, _crossval),
        (TuningLayout(folder).document, _tuning),
    )
    known = next(((file, read) for file, read in readers if file.is_file()), None)
    if known is None:
        return None
    file, read = known
    try:
        row = read(folder)
        given = read_annotations(folder)
    except DressformError as error:
        return RunRow(
            path=folder,
            kind="run" if read is _run else "crossval" if read is _crossval else "tuning",
            data=folder.parent.parent.name,
            recipe=folder.parent.name.rpartition("-")[0],
            status="damaged",
            date=_modified(file),
            detail=str(error),
        )
    if row.status != "finished" and is_locked(row.lock):
        row = replace(row, status="running")
    return replace(row, annotations=given)


def _run(folder: Path) -> RunRow:
    manifest = Manifest.load(Layout(folder).manifest)
    results = manifest.results
    return RunRow(
        path=folder,
        kind="run",
        data=manifest.dataset.name,
        recipe=manifest.recipe,
        settings=tuple(manifest.settings),
        seed=manifest.seed,
        status=manifest.state,
        val_accuracy=results.get("val_accuracy"),
        test_accuracy=results.get("test_accuracy"),
        parameters=results.get("parameters"),
        seconds=manifest.seconds.get("train"),
        date=manifest.finished or manifest.started,
        detail=manifest.error or "",
    )


@dataclass(frozen=True)
class _FoldFacts:
    seconds: float = 0.0


@dataclass(frozen=True)
class _Pass:
    finished: str = ""


@dataclass(frozen=True)
class _PlanFacts:
    """The fields of plan.json that a row shows."""

    recipe: str
    settings: list[str]
    k: int
    seed: int
    data: str
    fold_digests: list[str]
    started: str = ""
    parameters: int | None = None
    passes: tuple[_Pass, ...] = ()


def _crossval(folder: Path) -> RunRow:
    layout = CrossvalLayout(folder)
    plan = read_record(_PlanFacts, read_json(layout.plan), layout.plan)
    summary: CrossvalSummary | None = None
    if layout.summary.is_file():
        summary = open_crossval(folder).summary
    repeats = len(plan.fold_digests)
    whole = summary is not None and summary.repeats >= repeats
    trained = [
        read_record(_FoldFacts, read_json(path), path)
        for path in folder.glob(f"*/{layout.fold(0, 0).result.name}")
    ]
    done = len(trained)
    detail = f"{plan.k}-fold{f' x {repeats}' if repeats > 1 else ''}"
    return RunRow(
        path=folder,
        kind="crossval",
        data=plan.data,
        recipe=plan.recipe,
        settings=tuple(plan.settings),
        seed=plan.seed,
        status="finished" if whole else "stopped",
        val_accuracy=None if summary is None else summary.mean,
        parameters=plan.parameters,
        # Of its own folds: a call may train those of several recipes together.
        seconds=sum(one.seconds for one in trained) or None,
        date=plan.passes[-1].finished if plan.passes else plan.started,
        detail=detail if whole else f"{detail}, {done} of {repeats * plan.k} folds",
    )


def _tuning(folder: Path) -> RunRow:
    tuning = open_tuning(folder)
    best, done = tuning.best, len(tuning.trials)
    whole = done >= tuning.planned
    detail = f"tuning, {counted(done, 'trial')}"
    accuracy = best.value if best and tuning.metric == "val_accuracy" else None
    return RunRow(
        path=folder,
        kind="tuning",
        data=folder.parent.parent.name,
        recipe=tuning.recipe,
        settings=tuple(best.settings if best else ()),
        seed=tuning.seed,
        status="finished" if whole else "stopped",
        val_accuracy=accuracy,
        date=_modified(TuningLayout(folder).document),
        detail=detail if whole else f"{detail} of {tuning.planned}",
    )


def _modified(file: Path) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")


def find_row(what: str, root: Path) -> RunRow:
    """The row that a user means.

    Args:
        what: a folder, or a name that was given with ``rename``.
        root: folder of all runs, where names are looked up.

    Raises:
        RunError: nothing, or several, are called so.
        DataError: it is empty, or names an unknown user's home.
    """
    folder = user_path(what)
    try:
        is_folder, exists = folder.is_dir(), folder.exists()
    except OSError:  # too long, for one
        is_folder = exists = False
    row = row_of(folder) if is_folder else None
    if row is not None:
        return row
    named = [] if not root.is_dir() else [r for r in list_runs(root) if r.annotations.name == what]
    if len(named) == 1:
        return named[0]
    if named:
        paths = ", ".join(str(row.path) for row in named)
        raise RunError(f"{len(named)} runs are called {what}: {paths}; give the folder of one")
    missing = "is no run" if exists else "does not exist"
    raise RunError(
        f"{what} {missing}; give the folder of a run, or its name; dressform runs lists them"
    )


def sorted_rows(rows: Sequence[RunRow], by: str) -> list[RunRow]:
    """Rows in an order of :data:`SORTS`; those without a value come last."""
    key, descending = SORTS[by]
    known = [row for row in rows if key(row) not in (None, "")]
    unknown = [row for row in rows if key(row) in (None, "")]
    return [*sorted(known, key=lambda row: key(row), reverse=descending), *unknown]


SORTS: dict[str, tuple[Any, bool]] = {
    "val": (lambda row: row.val_accuracy, True),
    "date": (lambda row: row.date, True),
    "time": (lambda row: row.seconds, False),
    "parameters": (lambda row: row.parameters, False),
    "recipe": (lambda row: row.title, False),
    "seed": (lambda row: row.seed, False),
    "status": (lambda row: row.status, False),
}
"""Name of an order -> what is compared, and whether the largest comes first. There is none by test
accuracy: choices are made on validation data.
"""
