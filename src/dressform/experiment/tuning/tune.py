"""`tune`: a recipe and a space of settings become a study of trials, resumable, with the best
settings in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from dressform.core import config
from dressform.core.arguments import whole_number
from dressform.core.errors import ConfigError, RunError, unknown_name
from dressform.core.files import exclusive, make_folder, remove_leftovers, write_json
from dressform.data.dataset import DatasetSplits
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import ResolvedRecipe, check_trainable
from dressform.experiment.tuning.space import Dimension, read_space
from dressform.experiment.tuning.trial import TrialRunner
from dressform.experiment.unfinished import (
    facts_of_tuning,
    tell_nothing_to_continue,
    tunings,
)
from dressform.runs.layout import TuningLayout, dataset_folder, run_folder
from dressform.runs.tuning import METRICS, Metric, Tuning, open_tuning
from dressform.training.device import choose_device
from dressform.training.learning_data import LearningData, learning_data
from dressform.training.precision import choose_precision
from dressform.training.recipe import Recipe


def tune(
    recipe: ResolvedRecipe,
    data: DatasetSplits,
    space: Iterable[str],
    *,
    trials: int = 30,
    metric: str = "val_accuracy",
    seed: int = 0,
    options: RunOptions,
) -> Tuning:
    """Train a recipe with many settings and find the best on its validation images; the test split
    is not looked at.

    All trials share one hold-out and one seed, so they differ in their settings only. The best
    value is the best of many on the same images, so it is optimistic. Killed and resumed, a tuning
    gives what it would have given uninterrupted: the trial that was running starts again with the
    same settings.

    Args:
        recipe: with the settings that are applied first; what is tuned as well starts from them.
        data: what to learn from; a validation split is used where there is one, else the recipe's
            hold-out.
        space: dimensions, such as ``["optim.lr=log:1e-4:1e-1", "model.depth=1,2,3"]``; see
            :mod:`dressform.experiment.tuning.space`.
        trials: in all, 1 or more; resuming with a larger number adds the difference.
        metric: ``val_accuracy``, to be large, or ``val_loss``, to be small, of the epoch whose
            weights the recipe keeps.
        seed: of the draws and of each training.
        options: where and on what; the study's folder is
            ``out/<dataset>/<recipe>-<digest>/tune-<digest>``. Resumed with enough trials, it is
            returned as it is.

    Returns:
        all trials, with importances.

    Raises:
        ConfigError: a dimension, setting or number that cannot be used, or a recipe that holds
            nothing out.
        RunError: there is such a study already and ``resume`` is false, it is of other data, or
            another process has it.
        DressformError: anything else that the user has to know.
    """
    trials = whole_number("trials", trials, least=1)
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    goal: Metric = "val_loss" if metric == "val_loss" else "val_accuracy"
    base = recipe.recipe
    dimensions = read_space(space, base)
    texts = {dimension.path: dimension.text for dimension in dimensions}
    _check_trainable(base, dimensions, data)
    learning = learning_data(base, data, recipe.settings)
    if learning.validation is None:
        raise ConfigError(
            f"{base.name} holds no validation images out, so trials cannot be compared; add "
            f"settings=['validation_fraction=0.1']"
        )
    layout = TuningLayout(_folder(options.out, data.name, recipe, (texts, goal, seed)))
    command = _command(recipe, data, seed)
    if options.resume and not layout.database.exists():
        wanted = facts_of_tuning(base.name, seed, texts, goal, command)
        others = tunings(dataset_folder(options.out, data.name))
        tell_nothing_to_continue(wanted, data.name, others)
    _make_folder(layout, trials, options)

    from dressform.experiment.tuning.study import open_study  # it brings Optuna

    steps = _longest(base, dimensions)
    with (
        exclusive(layout.lock),
        open_study(layout.database, dimensions, goal, seed=seed, steps=steps) as study,
    ):
        remove_leftovers(layout.root)
        digests = _digests(learning)
        if study.remember("data", digests) != digests:
            raise RunError(
                f"{layout.root} was tuned on different data; {data.name} has changed since; "
                f"choose another out="
            )
        if base.precision == "auto" and "precision" not in texts:
            # Chosen once, for all trials alike.
            precision = choose_precision("auto", choose_device(options.device))
            remembered = study.remember("precision", precision)
            base = replace(base, precision=remembered)  # type: ignore[arg-type]
        runner = TrialRunner(
            recipe=base, data=learning, metric=goal, steps=steps, seed=seed, options=options
        )

        def tuning_with(importances: Mapping[str, float]) -> Tuning:
            finished = study.trials()
            return Tuning(
                path=layout.root,
                recipe=base.name,
                metric=goal,
                space=texts,
                seed=seed,
                trials=finished,
                planned=max(trials, len(finished)),
                train=command,
                importances=importances,
            )

        tuning = tuning_with({})
        write_json(layout.document, tuning.to_json())
        options.callback.on_tuning_begin(tuning, trials)
        while len(tuning.trials) < trials:
            trial, reason = runner.run(study)
            tuning = tuning_with({})
            write_json(layout.document, tuning.to_json())
            options.callback.on_trial_end(trial, tuning.best, reason)
        options.callback.on_phase_begin("computing importances")
        return tuning_with(study.importances())


def _make_folder(layout: TuningLayout, trials: int, options: RunOptions) -> None:
    folder = layout.root
    if layout.database.exists() and not options.resume and _count_trials(layout) < trials:
        raise RunError(
            f"{folder} already exists, with fewer trials; resume=True continues it, or choose "
            f"another seed= or out="
        )
    make_folder(layout.figure.parent)


def _count_trials(layout: TuningLayout) -> int:
    return len(open_tuning(layout.root).trials) if layout.document.exists() else 0


def _longest(base: Recipe, dimensions: tuple[Dimension, ...]) -> int:
    """Epochs of the longest training."""
    ends = [int(end) for d in dimensions if d.path == "epochs" for end in d.extremes]
    return max(ends, default=base.epochs)


def _digests(learning: LearningData) -> list[str]:
    assert learning.validation is not None
    return [learning.train.digest, learning.validation.digest, learning.digest]


def _check_trainable(base: Recipe, dimensions: tuple[Dimension, ...], data: DatasetSplits) -> None:
    """Say before anything is trained what no trial could be trained with."""
    check_trainable(base, data)
    for dimension in dimensions:
        for value in dimension.extremes if dimension.path.startswith("model.") else ():
            check_trainable(config.override(base, [f"{dimension.path}={value}"]), data)


def _folder(
    out: Path, dataset: str, base: ResolvedRecipe, study: tuple[dict[str, str], Metric, int]
) -> Path:
    texts, metric, seed = study
    digest = config.digest([*(f"{path}={text}" for path, text in texts.items()), metric, seed])
    folder = run_folder(out, dataset, base.recipe.name, base.digest, seed)
    return folder.with_name(f"tune-{digest}")


def _command(base: ResolvedRecipe, data: DatasetSplits, seed: int) -> list[str]:
    words = ["dressform", "train", base.reference]
    if data.source and data.source != "fashion-mnist":
        words += ["--data", data.source]
    words += data.options.words()
    if seed:
        words += ["--seed", str(seed)]
    return [*words, *(word for assignment in base.settings for word in ("--set", assignment))]
