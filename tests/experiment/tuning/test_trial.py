import pytest

from dressform.core.config import override
from dressform.experiment.options import RunOptions
from dressform.experiment.tuning import trial as trial_module
from dressform.experiment.tuning.trial import _Reporter, _restored
from dressform.recipes import find_recipe
from dressform.training.history import Epoch
from dressform.training.learning_data import LearningData


class Noted:
    number = 0

    def __init__(self, prune_at: int = 99) -> None:
        self.reports: list[tuple[int, float]] = []
        self._prune_at = prune_at

    def report(self, step: int, value: float) -> None:
        self.reports.append((step, value))

    def should_prune(self) -> bool:
        return self.reports[-1][0] >= self._prune_at


def row(epoch: int, accuracy: float, loss: float = 1.0) -> Epoch:
    return Epoch(
        epoch=epoch,
        lr=0,
        train_loss=1,
        train_accuracy=0,
        val_loss=loss,
        val_accuracy=accuracy,
        seconds=0,
    )


def reporter_of(trial: Noted, *, steps: int, epochs: int) -> _Reporter:
    options = RunOptions()
    recipe, data = find_recipe("fast"), LearningData(None, None, "")
    runner = trial_module.TrialRunner(
        recipe=recipe, data=data, metric="val_accuracy", steps=steps, seed=0, options=options
    )
    reporter = _Reporter(runner, trial)
    reporter.epochs = epochs
    return reporter


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (2, [(2, 0.1), (3, 0.1), (4, 0.1), (5, 0.2)]),
        (3, [(1, 0.1), (2, 0.1), (3, 0.2), (4, 0.2), (5, 0.3)]),
        (5, [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5)]),
    ],
)
def test_trainings_of_different_lengths_are_reported_by_share(
    epochs: int, expected: list[tuple[int, float]]
) -> None:
    trial = Noted()
    reporter = reporter_of(trial, steps=5, epochs=epochs)
    for epoch in range(1, epochs + 1):
        reporter.on_epoch_end(row(epoch, epoch / 10))
    assert trial.reports == expected


def test_a_trial_is_pruned_before_its_last_epoch_only() -> None:
    for epochs, pruned in ((3, True), (2, False)):
        reporter = reporter_of(Noted(prune_at=2), steps=epochs, epochs=epochs)
        reporter.on_epoch_end(row(1, 0.5))
        assert not reporter.stop_training
        reporter.on_epoch_end(row(2, 0.5))
        assert reporter.stop_training == reporter.pruned == pruned


def test_the_value_is_that_of_the_kept_epoch() -> None:
    history = [row(1, 0.5, 0.9), row(2, 0.7, 0.8), row(3, 0.7, 0.4), row(4, 0.6, 0.6)]
    recipe = find_recipe("fast")
    assert _restored(recipe, history).epoch == 4
    best = override(recipe, ["early_stopping.restore_best=true"])
    assert _restored(best, history).epoch == 3
    assert _restored(override(best, ["early_stopping.metric=val_accuracy"]), history).epoch == 2
