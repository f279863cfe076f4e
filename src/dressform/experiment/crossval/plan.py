"""`Plan`: what a cross-validation's folder says before any fold is trained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dressform.core import config
from dressform.core.errors import RunError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record
from dressform.data.dataset import DatasetSplits
from dressform.data.folds import Folds, make_folds
from dressform.data.groups import count_groups, grouped_by
from dressform.experiment.crossval.fold import peak_memory_mb
from dressform.experiment.jobs.fold_job import FoldResult
from dressform.experiment.resolved import ResolvedRecipe
from dressform.runs.crossval import FORMAT, open_crossval
from dressform.runs.git import git_state
from dressform.runs.layout import CrossvalLayout
from dressform.runs.manifest import hardware, now, packages
from dressform.training.device import choose_device
from dressform.training.precision import choose_precision

MAX_THREADS = 1024


@dataclass(frozen=True)
class PlanRecord:
    """The fields of plan.json that decide something."""

    recipe: str
    settings: list[str]
    digest: str
    fold_digests: list[str]
    data_digest: str
    threads: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    passes: list[dict[str, int | float | str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= MAX_THREADS:
            raise ValueError(f"{self.threads} threads")


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """One recipe's cross-validation.

    Attributes:
        recipe: with its settings and digest.
        layout: of its folder.
        folds: K.
        seed: of folds and training.
        parameters: numbers in the network.
    """

    recipe: ResolvedRecipe
    layout: CrossvalLayout
    folds: int
    seed: int
    parameters: int

    @property
    def name(self) -> str:
        """The recipe and its changed settings."""
        return " ".join([self.recipe.recipe.name, *self.recipe.settings])


@dataclass(frozen=True, eq=False)
class Plan:
    """How a study's folds are trained: what its folder says already stays as it is.

    Attributes:
        splits: the folds of each repeat.
        threads: of each training.
        precision: ``float32`` or ``bfloat16``.
    """

    splits: list[Folds]
    threads: int
    precision: str


def make_plan(
    study: Study, data: DatasetSplits, splits: Sequence[Folds], *, threads: int, device: str
) -> Plan:
    """Write a study's plan, or check the one that is there and add further repeats to it.

    Args:
        study: whose folder is locked.
        data: its training set is divided.
        splits: the folds of each repeat that is requested.
        threads: of each training, if this study begins now.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        RunError: the plan is damaged, or of other data.
    """
    layout = study.layout
    before = _read_plan(layout)
    digests = before.get("fold_digests", [])
    more = range(len(splits), len(digests))
    splits = [
        *splits,
        *(make_folds(data.train, study.folds, repeat=r, seed=study.seed) for r in more),
    ]
    same = digests == [s.digest for s in splits[: len(digests)]]
    if before and (before.get("data_digest") != data.train.digest or not same):
        raise RunError(
            f"{layout.root} was trained on different data; {data.name} has changed since; choose "
            f"another out="
        )
    threads = before.get("threads", threads)
    recipe = study.recipe.recipe
    precision = before.get("precision", choose_precision(recipe.precision, choose_device(device)))
    if len(splits) > len(digests):
        facts = {
            "format": FORMAT,
            "recipe": recipe.name,
            "reference": study.recipe.reference,
            "settings": list(study.recipe.settings),
            "digest": study.recipe.digest,
            "parameters": study.parameters,
            "resolved": config.to_dict(recipe),
            "k": study.folds,
            "seed": study.seed,
            "threads": threads,
            "precision": precision,
            "data": data.name,
            "data_digest": data.train.digest,
            "location": data.location,
            "options": asdict(data.options),
            "groups": count_groups(data.train),
            "grouped_by": grouped_by(data),
            "hardware": hardware(),
            "packages": packages(),
            "git": git_state(),
            "started": now(),
        }
        plan = {**facts, **before, "fold_digests": [s.digest for s in splits]}
        write_json(layout.plan, plan)
    return Plan(splits, threads, precision)


def add_pass(
    layout: CrossvalLayout, results: Sequence[FoldResult], seconds: float, workers: int
) -> None:
    """Add to the plan what was trained this time, and with how much memory."""
    if not results:
        return
    peaks = [r.peak_memory_mb for r in results if r.peak_memory_mb is not None]
    plan = read_json(layout.plan)
    row = {
        "finished": now(),
        "jobs": len(results),
        "seconds": round(seconds, 3),
        "workers": workers,
        "worker_peak_memory_mb": max(peaks, default=None),
        "parent_peak_memory_mb": peak_memory_mb(),
    }
    write_json(layout.plan, {**plan, "passes": [*plan.get("passes", []), row]})


def is_finished(layout: CrossvalLayout, repeats: int) -> bool:
    """Whether every fold that was planned, and as many repeats as are requested, are finished."""
    if not layout.summary.exists():
        return False
    try:
        summary = open_crossval(layout.root).summary
    except RunError:
        return False  # damaged: it is made anew from the folds
    planned = max(repeats, len(_read_plan(layout).get("fold_digests", ())))
    folds = (layout.fold(row.repeat, row.fold) for row in summary.folds)
    return summary.repeats >= planned and all(fold.result.exists() for fold in folds)


def _read_plan(layout: CrossvalLayout) -> dict[str, Any]:
    """What the folder's plan says; empty in a new folder."""
    advice = "delete that folder or choose another out="
    if not layout.plan.exists():
        if any(layout.root.glob(f"*/{layout.fold(0, 0).result.name}")):
            raise RunError(f"{layout.root} has folds but no {layout.plan.name}; {advice}")
        return {}
    plan = read_json(layout.plan)
    read_record(PlanRecord, plan, layout.plan, advice=advice)
    return dict(plan)
