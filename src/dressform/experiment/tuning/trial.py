"""`TrialRunner`: trains one trial after the other on the same images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dressform.core.config import override
from dressform.core.errors import ConfigError, TrainingError
from dressform.experiment.options import RunOptions
from dressform.runs.tuning import Metric, Trial
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit, reported_errors
from dressform.training.history import Epoch
from dressform.training.learning_data import LearningData
from dressform.training.recipe import Recipe

if TYPE_CHECKING:  # it brings Optuna
    from dressform.experiment.tuning.study import RunningTrial, Study


@dataclass(frozen=True, kw_only=True)
class TrialRunner:
    """Trains the trials of a study.

    Attributes:
        recipe: that the trials' settings are applied to.
        data: what trials learn from and are compared on.
        metric: what they are compared by.
        steps: epochs of the longest training, at which trials are compared while they run.
        seed: of each training.
        options: device, folder of features, callback.
    """

    recipe: Recipe
    data: LearningData
    metric: Metric
    steps: int
    seed: int
    options: RunOptions

    def run(self, study: "Study") -> tuple[Trial, str]:
        """Draw, train and keep the next trial; also why it failed, if it did."""
        trial = study.draw()
        reporter = _Reporter(self, trial)
        state, value, reason = "complete", None, ""
        try:
            settings = (f"{path}={setting}" for path, setting in trial.settings.items())
            recipe = override(self.recipe, settings)
            reporter.epochs = recipe.epochs
            with reported_errors():
                fitted = fit(
                    recipe,
                    self.data.train,
                    self.data.validation,
                    seed=self.seed,
                    device=self.options.device,
                    files=TrainingFiles(features=self.options.features),
                    callback=reporter,
                )
            if reporter.pruned:
                state = "pruned"
            else:
                value = _metric_of(_restored(recipe, fitted.history), self.metric)
        except (TrainingError, ConfigError) as error:
            # The loss diverged, or the settings do not go together.
            state, reason = "failed", str(error)
        return study.keep(trial, state, reporter.done, value), reason


class _Reporter(Callback):
    """Reports each epoch at its fraction of the training, so that training runs of different
    lengths can be compared, and stops a trial that falls behind.
    """

    def __init__(self, runner: TrialRunner, trial: "RunningTrial") -> None:
        self._runner, self._trial = runner, trial
        self._last: tuple[int, float] | None = None
        self.epochs = self.done = 0
        self.pruned = False

    def on_epoch_end(self, epoch: Epoch) -> None:
        value = _metric_of(epoch, self._runner.metric)
        self.done = epoch.epoch
        self._runner.options.callback.on_trial_epoch_end(
            self._trial.number, epoch.epoch, self.epochs
        )
        step = epoch.epoch * self._runner.steps // self.epochs
        if self._last is not None:
            # At the steps between two epochs, the earlier epoch's value is what was known.
            for between in range(self._last[0] + 1, step):
                self._trial.report(between, self._last[1])
        self._trial.report(step, value)
        self._last = step, value
        # After the last epoch there is nothing left to save.
        self.pruned = epoch.epoch < self.epochs and self._trial.should_prune()
        self.stop_training = self.pruned


def _metric_of(row: Epoch, metric: Metric) -> float:
    value = row.val_accuracy if metric == "val_accuracy" else row.val_loss
    assert value is not None
    if not math.isfinite(value):
        raise TrainingError(
            f"the {metric} is {value} after epoch {row.epoch}; try lower learning rates"
        )
    return value


def _restored(recipe: Recipe, history: Sequence[Epoch]) -> Epoch:
    """The epoch whose weights become the model; the first of equally good ones, as in training."""
    if not recipe.early_stopping.restore_best:
        return history[-1]
    if recipe.early_stopping.metric == "val_accuracy":
        return max(history, key=lambda row: row.val_accuracy or 0)
    return min(history, key=lambda row: math.inf if row.val_loss is None else row.val_loss)
