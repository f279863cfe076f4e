"""`Study`: finished trials in an SQLite file and the draw of the next one; the only file that knows
Optuna.

A trial is written in one transaction when it is over, so a killed process leaves nothing half done.
The next trial is drawn by a fresh sampler whose seed is that of its number, from the trials in the
file and from nothing else: it is the same trial whether the process before it ended or was killed.
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import NoneType

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from dressform.core.errors import RunError
from dressform.core.rng import stream_seed
from dressform.experiment.tuning.space import Dimension, Range
from dressform.runs.tuning import Metric, Trial, Value

RANDOM_TRIALS = 10
"""Trials that are drawn at random before the sampler trusts what it has seen; Optuna's default."""
COMPARED_TRIALS = 5
"""Complete trials before any is pruned; Optuna's default."""
RANKED_TRIALS = 10
"""Complete trials before importances are told."""


class RunningTrial:
    """A trial that is being trained; it is in memory only.

    Args:
        study: in memory, with all finished trials.
        space: what to draw from.
    """

    def __init__(self, study: optuna.Study, space: tuple[Dimension, ...]) -> None:
        self._study = study
        self._trial = study.ask({d.path: _distribution(d) for d in space})
        self.number = self._trial.number
        self.settings = {d.path: _rounded(d, self._trial.params[d.path]) for d in space}

    def report(self, step: int, value: float) -> None:
        """Note the metric at a step; the same step only once."""
        self._trial.report(value, step)

    def should_prune(self) -> bool:
        """Whether the trial should be pruned for what was reported so far."""
        return self._trial.should_prune()

    def finish(
        self, state: TrialState, epochs: int, value: float | None = None
    ) -> optuna.trial.FrozenTrial:
        """The trial as it is kept. A pruned one gets the value that was reported last."""
        self._trial.set_user_attr("epochs", epochs)
        self._trial.set_user_attr("settings", self.settings)
        return self._study.tell(self._trial, value, state)


class Study:
    """The trials of one tuning.

    The sampler is multivariate TPE (Bergstra et al. 2011; Falkner et al. 2018), which sees that a
    rate suits a batch size; ten random trials come first. The pruner is the median rule (Golovin et
    al. 2017): a trial stops when its best value so far is worse than the median of the complete
    trials at the same share of their training, from a quarter of it on. Successive halving and
    Hyperband would save more, but choose among dozens of trials at each rung, and judge after an
    epoch or two, where a schedule with warm-up tells little.

    Args:
        study: in the file.
        space: what is drawn from.
        seed: of the draws.
        steps: of a whole training, as given to :meth:`RunningTrial.report`.
    """

    def __init__(
        self, study: optuna.Study, space: tuple[Dimension, ...], seed: int, steps: int
    ) -> None:
        self._study, self._space, self._seed, self._steps = study, space, seed, steps

    def remember(self, name: str, value: object) -> object:
        """What was remembered under ``name`` when the study began; ``value`` when it begins now."""
        with _readable():
            if name not in self._study.user_attrs:
                self._study.set_user_attr(name, value)
            return self._study.user_attrs[name]

    def trials(self) -> tuple[Trial, ...]:
        """The finished trials, by number."""
        with _readable():
            return tuple(_trial_of(frozen) for frozen in self._study.trials)

    def draw(self) -> RunningTrial:
        """The next trial."""
        with _readable():
            number = len(self._study.trials)
        study = optuna.create_study(
            direction=self._study.direction,
            sampler=optuna.samplers.TPESampler(
                # NumPy's RandomState takes 32 bits.
                seed=stream_seed(self._seed, "tune", number) % 2**32,
                n_startup_trials=RANDOM_TRIALS,
                multivariate=True,
                constant_liar=False,
            ),
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=COMPARED_TRIALS,
                n_warmup_steps=self._steps // 4,
                n_min_trials=min(3, COMPARED_TRIALS),
            ),
        )
        with _readable():
            study.add_trials(self._study.trials)
            return RunningTrial(study, self._space)

    def keep(
        self, trial: RunningTrial, state: str, epochs: int, value: float | None = None
    ) -> Trial:
        """Finish a trial and write it.

        Args:
            trial: the one that was drawn last.
            state: ``complete``, ``pruned`` or ``failed``.
            epochs: that were trained to their end.
            value: of a complete trial.
        """
        states = {
            "complete": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "failed": TrialState.FAIL,
        }
        frozen = trial.finish(states[state], epochs, value)
        self._study.add_trial(frozen)
        return _trial_of(frozen)

    def importances(self) -> dict[str, float]:
        """Share of each path, largest first, sum 1; empty with too few complete trials, or too many
        of the same value.
        """
        values = [
            frozen.value
            for frozen in self._study.trials
            if frozen.state == TrialState.COMPLETE and frozen.value is not None
        ]
        if len(values) < RANKED_TRIALS:
            return {}
        # The best tenth, but five trials at least, as its authors advise.
        share = min(0.5, max(0.1, 5 / len(values)))
        values.sort(reverse=self._study.direction == StudyDirection.MAXIMIZE)
        if (
            values[math.ceil(share * len(values)) - 1] == values[-1]
        ):  # the best are all: nothing tells them from the others
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=share)
        return optuna.importance.get_param_importances(self._study, evaluator=evaluator)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """What Optuna raises when its file holds something else than it wrote becomes an error of one
    line.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(
            f"the trials of this study were changed ({reason}); delete its folder and tune again"
        ) from error


@contextlib.contextmanager
def open_study(
    path: Path, space: tuple[Dimension, ...], metric: Metric, *, seed: int, steps: int
) -> Iterator[Study]:
    """Open a study, or begin one where there is no file; Optuna's log is silent inside the block.

    Args:
        path: of the SQLite file; nobody else may be writing it.
        space: what is drawn from.
        metric: ``val_accuracy`` is maximised, ``val_loss`` minimised.
        seed: of the draws.
        steps: of a whole training, as given to :meth:`RunningTrial.report`.

    Raises:
        RunError: the file is not a study, is of another version of Optuna, or cannot be written.
    """
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage: optuna.storages.RDBStorage | None = None
    try:
        try:
            storage = optuna.storages.RDBStorage(
                URL.create("sqlite", database=str(path)).render_as_string()
            )
        except RuntimeError as error:
            raise RunError(
                f"{path} cannot be used with this Optuna ({error}); delete that folder or choose "
                f"another out="
            ) from error
        direction = StudyDirection.MAXIMIZE if metric == "val_accuracy" else StudyDirection.MINIMIZE
        with _readable():
            study = optuna.create_study(
                storage=storage, study_name="tune", direction=direction, load_if_exists=True
            )
        yield Study(study, space, seed, steps)
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise RunError(
            f"{path} cannot be read or written ({reason}); make room, or delete that folder and "
            f"tune again"
        ) from error
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()
        optuna.logging.set_verbosity(verbosity)


def _distribution(dimension: Dimension) -> BaseDistribution:
    if not isinstance(dimension, Range):
        return CategoricalDistribution(dimension.values)
    if isinstance(dimension.low, int):
        return IntDistribution(
            dimension.low, int(dimension.high), log=dimension.log, step=int(dimension.step or 1)
        )
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def _rounded(dimension: Dimension, value: Value) -> Value:
    """Six significant digits of a float, where they are in the range: what is trained is what the
    command line can say.
    """
    if not isinstance(dimension, Range) or not isinstance(value, float):
        return value
    short = float(f"{value:.6g}")
    return short if dimension.low <= short <= dimension.high else value


def _trial_of(frozen: optuna.trial.FrozenTrial) -> Trial:
    state = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}.get(
        frozen.state, "failed"
    )
    epochs, settings = frozen.user_attrs["epochs"], frozen.user_attrs["settings"]
    scalars = isinstance(settings, dict) and all(
        isinstance(value, (bool, int, float, str)) for value in settings.values()
    )
    value = frozen.value
    if not isinstance(epochs, int) or not scalars or not isinstance(value, (int, float, NoneType)):
        raise TypeError(
            f"trial {frozen.number} has value {value!r}, epochs {epochs!r} and settings "
            f"{settings!r}"
        )
    return Trial(
        number=frozen.number,
        state=state,  # type: ignore[arg-type]
        value=value,
        epochs=epochs,
        settings=settings,
    )
