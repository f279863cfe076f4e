"""`Budget`: the clock of `train auto`, and what an interrupted call continues with."""

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dressform.core.clock import Deadline
from dressform.core.errors import ConfigError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record
from dressform.experiment.auto.candidate import Candidate

LEAST_TRAINING = 1 / 3
"""Of the time that is left, for the last training in any case."""
NOTE_EVERY = 3.0
"""Seconds between two notes of the time spent, which a killed call leaves behind."""


@dataclass(frozen=True)
class AutoPlan:
    """The content of the plan's file.

    Attributes:
        digest: of all splits.
        budget: seconds for everything.
        image_size: that was asked for.
        candidates: that are compared, as they are planned now.
        skipped: why others are not, a line each.
        epochs: of the last training; 0 as long as they are not known.
        beside: the candidate that is trained beside the best, or none; None as long as it is not
            known.
        spent: seconds, by all calls together.
        finished: whether the best candidate is trained.
    """

    digest: str
    budget: float
    image_size: int | None
    candidates: list[Candidate] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    epochs: int = 0
    beside: list[Candidate] | None = None
    spent: float = 0.0
    finished: bool = False

    def differences(self, other: "AutoPlan") -> list[str]:
        """What keeps one plan from continuing the other, for people."""
        names = {"digest": "data", "budget": "budget=", "image_size": "image_size="}
        return [
            shown for name, shown in names.items() if getattr(self, name) != getattr(other, name)
        ]


class Budget:
    """The seconds that are left, earlier calls counted, and the plan's file.

    Args:
        plan: of this call, or of the one that it continues.
        file: that the plan is kept in.
        elapsed: seconds that this call has taken already.
    """

    def __init__(self, plan: AutoPlan, file: Path, elapsed: float) -> None:
        self.plan, self._file = plan, file
        self._began = time.monotonic() - elapsed - plan.spent
        self._noted = 0.0

    @property
    def spent(self) -> float:
        """Seconds, by all calls together."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds; negative if the budget is used up."""
        return self.plan.budget - self.spent

    def for_training(self, closing: float) -> float:
        """Seconds that are left for the last training, after which ``closing`` more are needed."""
        left = max(0.0, self.left)
        return max(left - closing, LEAST_TRAINING * left)

    def deadline(self, reserve: float, *, strict: bool = False) -> Deadline:
        """The moment at which ``reserve`` seconds are left."""
        at = self._began + self.plan.budget - reserve
        return Deadline(at=at, strict=strict, looked=self._note)

    def keep(self, **changes: Any) -> None:
        """Change the plan, and write it."""
        self.plan = replace(self.plan, **changes, spent=round(self.spent, 1))
        self._noted = time.monotonic()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._file, asdict(self.plan))

    def _note(self) -> None:
        # Without candidates there is nothing to continue, so nothing that stands in the way.
        if self.plan.candidates and time.monotonic() - self._noted > NOTE_EVERY:
            self.keep()


def read_plan(file: Path) -> AutoPlan | None:
    """The plan of an earlier call; None without one.

    Raises:
        ConfigError: it is damaged.
    """
    if not file.is_file():
        return None
    advice = "delete it, and train auto plans again"
    return read_record(AutoPlan, read_json(file), file, advice=advice, refuse=ConfigError)
