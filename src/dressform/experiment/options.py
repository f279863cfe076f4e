"""`RunOptions`: where and on what training runs, and who follows them."""

from dataclasses import dataclass, field
from pathlib import Path

from dressform.core.arguments import whole_number
from dressform.core.clock import Deadline
from dressform.runs.layout import DEFAULT_ROOT, features_folder
from dressform.training.callback import Callback
from dressform.training.device import choose_device


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Everything about a training that does not decide its weights, as one value.

    Attributes:
        out: folder of all runs.
        resume: continue what is unfinished there; what is finished is returned as it is.
        device: ``auto``, ``cpu`` or ``cuda``.
        workers: processes that share the cores, for cross-validation; None is one per core.
        callback: follows the progress.
        deadline: by when training has to be over; None as long as it takes. A run's training is
            shortened to that; folds are given up where it is strict, and trained in this process.
        budget: seconds that the deadline comes from, part of the name of the run's folder; None
            without a deadline.

    Raises:
        ConfigError: a device that is not there, or fewer than one worker.
    """

    out: Path = DEFAULT_ROOT
    resume: bool = False
    device: str = "auto"
    workers: int | None = None
    callback: Callback = field(default_factory=Callback)
    deadline: Deadline | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        choose_device(self.device)
        if self.workers is not None:
            object.__setattr__(self, "workers", whole_number("workers", self.workers, least=1))

    @property
    def features(self) -> Path:
        """Folder of cached features, shared by all training runs."""
        return features_folder(self.out)
