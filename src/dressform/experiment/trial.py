"""`TrialRunner`: trains one trial after the other on the same pictures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dressform.core.config import override
from dressform.core.errors import ConfigError, TrainingError
from dressform.data.dataset import Dataset
from dressform.experiment.tuning import Metric, Trial, TuningObserver
from dressform.training.fit import fit, telling_faults
from dressform.training.history import Epoch
from dressform.training.recipe import Recipe

if TYPE_CHECKING:  # it brings Optuna
    from dressform.experiment.study import RunningTrial, Study


class _Behind(BaseException):
    """The trial is behind the others."""


class TrialRunner:
    """Trains the trials of a study.

    Args:
        recipe: that the trials' settings are applied to.
        train: examples to learn from.
        validation: examples to judge on.
        metric: what trials are compared by.
        steps: of the longest training, in epochs.
        seed: of each training.
        device: ``auto``, ``cpu`` or ``cuda``.
        cache: folder of features that a frozen backbone gave.
        observer: told of each epoch.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Dataset,
        validation: Dataset,
        metric: Metric,
        *,
        steps: int,
        seed: int,
        device: str,
        cache: Path,
        observer: TuningObserver,
    ) -> None:
        self._recipe, self._train, self._validation = recipe, train, validation
        self._metric: Metric = metric
        self._steps, self._seed, self._device, self._cache, self._observer = (
            steps,
            seed,
            device,
            cache,
            observer,
        )

    def run(self, study: "Study") -> tuple[Trial, str]:
        """Draw, train and keep the next trial; also why it failed, if it did."""
        draft = study.draft()
        reporter = _Reporter(draft, self._metric, self._steps, self._observer)
        state, value, reason = "complete", None, ""
        try:
            recipe = override(
                self._recipe, (f"{path}={setting}" for path, setting in draft.settings.items())
            )
            reporter.epochs = recipe.epochs
            with telling_faults():
                fitted = fit(
                    recipe,
                    self._train,
                    self._validation,
                    seed=self._seed,
                    device=self._device,
                    cache=self._cache,
                    observer=reporter,
                )
            value = _metric_of(_kept(recipe, fitted.history), self._metric)
        except _Behind:
            state = "pruned"
        except (
            TrainingError,
            ConfigError,
        ) as error:  # a diverged loss, or settings that do not go together
            state, reason = "failed", str(error)
        return study.keep(draft, state, reporter.done, value), reason


class _Reporter:
    """Reports each epoch at its share of the training, so that trainings of different lengths can
    be compared.
    """

    def __init__(
        self, draft: "RunningTrial", metric: Metric, steps: int, observer: TuningObserver
    ) -> None:
        self._draft, self._steps, self._observer = draft, steps, observer
        self._metric: Metric = metric
        self._last: tuple[int, float] | None = None
        self.epochs = self.done = 0

    def looking(self, done: int, total: int) -> None:
        """Nothing."""

    def started(self, done: Sequence[Epoch], steps: Sequence[int]) -> None:
        """Nothing."""

    def step(self, step: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, result: Epoch) -> None:
        """Report, and leave the training when it is behind; after the last epoch there is nothing
        left to save.
        """
        value = _metric_of(result, self._metric)
        self.done = result.epoch
        self._observer.epoch(self._draft.number, result.epoch, self.epochs)
        step = result.epoch * self._steps // self.epochs
        if (
            self._last is not None
        ):  # what was known at the steps between two epochs is the earlier one's value
            for between in range(self._last[0] + 1, step):
                self._draft.report(between, self._last[1])
        self._draft.report(step, value)
        self._last = step, value
        if result.epoch < self.epochs and self._draft.should_prune():
            raise _Behind


def _metric_of(row: Epoch, metric: Metric) -> float:
    value = row.val_accuracy if metric == "val_accuracy" else row.val_loss
    assert value is not None
    if not math.isfinite(value):
        raise TrainingError(
            f"the {metric} is {value} after epoch {row.epoch}; try lower learning rates"
        )
    return value


def _kept(recipe: Recipe, history: Sequence[Epoch]) -> Epoch:
    """The epoch whose weights become the model; the first of equally good ones, as in training."""
    if not recipe.early_stopping.restore_best:
        return history[-1]
    if recipe.early_stopping.metric == "val_accuracy":
        return max(history, key=lambda row: row.val_accuracy or 0)
    return min(history, key=lambda row: math.inf if row.val_loss is None else row.val_loss)
