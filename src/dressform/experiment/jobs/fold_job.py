"""`FoldJob`: one fold for a worker process, what it says on the way, and its result.

Each is a record that travels as a line of JSON.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from dressform.core.records import read_record


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Where a worker finds the training set.

    Attributes:
        digest: of the set.
        source: its name in the catalogue, or None.
        archive: path of a NPZ file where it has no name.
    """

    digest: str
    source: str | None = None
    archive: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoldJob:
    """One fold of one recipe.

    Attributes:
        recipe: a name or ``file.py:function``.
        settings: changes to it, ``path=value``.
        data: the set that is divided into folds.
        folds, repeat, fold: K, and which of the K * R trainings this is, counted from 0.
        folder: of the fold's files.
        features: folder of cached features.
        seed: of the cross-validation.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: of the process.
        precision: ``float32`` or ``bfloat16``, the same for all folds.
        key: what the checkpoint must belong to.
    """

    recipe: str
    settings: list[str]
    data: TrainingSet
    folds: int
    repeat: int
    fold: int
    folder: str
    features: str
    seed: int
    device: str
    threads: int
    precision: str
    key: str


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """What result.json holds.

    Attributes:
        repeat, fold: which of the trainings this is, counted from 0.
        accuracy: on the fold's own examples, 0..1.
        epochs: that were trained.
        examples: trained on and tested on.
        seconds: of the epochs.
        threads, device, precision: that the training ran with.
        peak_memory_mb: of its process; None where the system does not tell.
        predictions_sha256: of predictions.npz.
    """

    repeat: int = 0
    fold: int = 0
    accuracy: float
    epochs: int
    examples: dict[str, int] | None = None
    seconds: float
    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    peak_memory_mb: int | None = None
    predictions_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoldStarted:
    """A fold begins, or continues after ``done`` of its ``epochs``."""

    event: ClassVar[str] = "started"
    done: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class FoldEpoch:
    """A fold has finished an epoch, counted from 1."""

    event: ClassVar[str] = "epoch"
    epoch: int
    val_accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class FoldFinished:
    """A fold is finished."""

    event: ClassVar[str] = "finished"
    result: FoldResult


@dataclass(frozen=True, kw_only=True)
class FoldFailed:
    """A fold failed with an error of ours: its class's name and its message."""

    event: ClassVar[str] = "failed"
    kind: str
    message: str


Event = FoldStarted | FoldEpoch | FoldFinished | FoldFailed
Tell = Callable[[Event], None]
"""Told of each event of a fold."""
_EVENTS: dict[str, type[Event]] = {
    kind.event: kind for kind in (FoldStarted, FoldEpoch, FoldFinished, FoldFailed)
}


def event_to_json(event: Event) -> dict[str, Any]:
    """A line that a worker writes."""
    return {"event": event.event, **asdict(event)}


def event_from_json(document: dict[str, Any]) -> Event:
    """The event of a line that a worker wrote."""
    return read_record(_EVENTS[document["event"]], document, Path("worker"))


def job_from_json(document: dict[str, Any]) -> FoldJob:
    """The job of a line that the parent wrote."""
    return read_record(FoldJob, document, Path("job"))
