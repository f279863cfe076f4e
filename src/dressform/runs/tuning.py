"""`Tuning`: the trials of a search for settings, and the document that they are kept as."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dressform.core.display import brief, escaped, paragraph, table
from dressform.core.files import read_json, user_path
from dressform.core.links import link
from dressform.core.records import read_record
from dressform.runs.layout import TuningLayout

Value = int | float | str
"""What a setting can be given: ``f"{path}={value}"`` is its assignment."""
Metric = Literal["val_accuracy", "val_loss"]
SHOWN_TRIALS = 10
"""Trials that a notebook shows, best first."""
METRICS: tuple[Metric, ...] = ("val_accuracy", "val_loss")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training of a tuning.

    Attributes:
        number: counted from 0.
        state: ``complete``; ``pruned``, stopped because it was behind the others; ``failed``, its
            loss or weights were not finite or its settings do not go together.
        value: the metric of the weights that the recipe keeps; of a pruned trial the last one seen;
            None of a failed one.
        epochs: that were trained to their end.
        settings: path and value of each tuned setting.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    epochs: int
    settings: dict[str, Value]

    @property
    def assignments(self) -> list[str]:
        """The settings as ``--set`` takes them."""
        return [f"{path}={value}" for path, value in self.settings.items()]

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "epochs": self.epochs,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True, kw_only=True)
class BestTrial:
    """The best trial in tuning.json; its settings as ``--set`` takes them."""

    number: int
    value: float | None
    settings: list[str]


@dataclass(frozen=True, kw_only=True)
class TuningSummary:
    """The document tuning.json; for its fields see :class:`Tuning`."""

    recipe: str
    metric: Metric
    space: dict[str, str]
    seed: int
    trials: list[Trial]
    planned: int = 0
    best: BestTrial | None = None
    command: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """All trials of a tuning.

    Attributes:
        path: folder with study.db, tuning.json and figures/.
        recipe: its name.
        metric: what was tuned for: the largest ``val_accuracy`` or the smallest ``val_loss``.
        space: path and text of each dimension.
        seed: of the draws and of every training.
        trials: by number.
        planned: how many there shall be; fewer, and it was stopped before its end.
        train: words of the training that the trials' settings are added to: ``dressform train
            RECIPE …``.
        importances: how much each setting distinguishes the best trials from the others (PED-ANOVA,
            Watanabe et al. 2023), largest first, sum 1; empty with fewer than ten complete trials,
            or where most of them are equal.
    """

    path: Path
    recipe: str
    metric: Metric
    space: Mapping[str, str]
    seed: int
    trials: tuple[Trial, ...]
    train: Sequence[str]
    planned: int = 0
    importances: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return brief(self, self.recipe, self._headline(), str(self.path))

    def _repr_html_(self) -> str:
        rows = [
            [
                str(trial.number),
                trial.state,
                "-" if trial.value is None else f"{trial.value:.4f}",
                *(str(trial.settings[path]) for path in self.space),
            ]
            for trial in self.ranked[:SHOWN_TRIALS]
        ]
        best = f"<div><code>{escaped(self.command)}</code></div>" if self.command else ""
        return (
            f"{paragraph(f'{self.recipe}: {self._headline()}')}"
            f"{table(['trial', 'state', self.metric, *self.space], rows)}{best}"
            f"<div>{link(self.path)}</div>"
        )

    def _headline(self) -> str:
        best, trials = self.best, f"{len(self.trials)} trials"
        if best is None or best.value is None:
            return f"{trials}, none complete"
        return f"{trials}, best {self.metric} {best.value:.4f} ({', '.join(best.assignments)})"

    @property
    def ranked(self) -> list[Trial]:
        """Complete trials, best first, then pruned and failed ones; equal ones by number."""
        sign = -1 if self.metric == "val_accuracy" else 1
        states = ("complete", "pruned", "failed")
        return sorted(
            self.trials, key=lambda t: (states.index(t.state), sign * (t.value or 0), t.number)
        )

    @property
    def best(self) -> Trial | None:
        """The best complete trial, the first of equal ones; None where none is complete."""
        return next((trial for trial in self.ranked if trial.state == "complete"), None)

    @property
    def command(self) -> str | None:
        """The command line that trains the best settings; None where no trial is complete."""
        if self.best is None:
            return None
        return shlex.join(
            [
                *self.train,
                *(word for setting in self.best.assignments for word in ("--set", setting)),
            ]
        )

    @property
    def layout(self) -> TuningLayout:
        """The paths of its files."""
        return TuningLayout(self.path)

    def to_json(self) -> dict[str, Any]:
        """The content of tuning.json: no time and no machine in it, so the same tuning gives the
        same bytes.
        """
        best = self.best
        return {
            "recipe": self.recipe,
            "metric": self.metric,
            "space": dict(self.space),
            "seed": self.seed,
            "planned": self.planned,
            "trials": [trial.to_json() for trial in self.trials],
            "best": None
            if best is None
            else {"number": best.number, "value": best.value, "settings": best.assignments},
            "command": self.command,
        }


def open_tuning(path: str | Path) -> TuningSummary:
    """Read the tuning.json of a folder.

    Raises:
        RunError: it is missing or damaged.
    """
    document = TuningLayout(user_path(path)).document
    advice = "delete it; tune writes it again with resume=True"
    return read_record(TuningSummary, read_json(document), document, advice=advice)
