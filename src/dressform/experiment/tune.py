"""`tune`: a recipe and a space of settings become a study of trials, resumable, with the best
settings in it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from dressform.core import config
from dressform.core.errors import ConfigError, RunError, unknown_name
from dressform.core.files import exclusive, remove_leftovers, write_json
from dressform.data.dataset import DatasetSplits
from dressform.experiment.learning_data import learning_data
from dressform.experiment.resolved import ResolvedRecipe, check_trainable, resolve_recipe
from dressform.experiment.space import Dimension, read_space
from dressform.experiment.trial import TrialRunner
from dressform.experiment.tuning import METRICS, Metric, Tuning, TuningObserver, Unobserved
from dressform.runs.layout import DEFAULT_ROOT, TuningLayout, features_folder, run_folder
from dressform.training.hardware import choose_device, flush_denormals
from dressform.training.precision import choose_precision
from dressform.training.recipe import Recipe


@flush_denormals()
def tune(
    recipe: Recipe | str,
    data: DatasetSplits,
    space: Iterable[str],
    *,
    trials: int = 30,
    metric: str = "val_accuracy",
    settings: Iterable[str] = (),
    seed: int = 0,
    out: Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    source: str | None = None,
    image_size: int | None = None,
    observer: TuningObserver | None = None,
) -> Tuning:
    """Train a recipe with many settings and find the best on its validation images; the test split
    is not looked at.

    All trials share one hold-out and one seed, so they differ in their settings only. The best
    value is the best of many on the same images, so it is optimistic. Killed and resumed, a tuning
    gives what it would have given undisturbed: the trial that was running begins anew with the same
    settings.

    Args:
        recipe: a recipe, a name, or ``file.py:function``.
        data: what to learn from; a validation split is used where there is one, else the recipe's
            hold-out.
        space: dimensions, such as ``["optim.lr=log:1e-4:1e-1", "model.depth=1,2,3"]``; see
            :mod:`dressform.experiment.space`.
        trials: in all, 1 or more; resuming with a larger number adds the difference.
        metric: ``val_accuracy``, to be large, or ``val_loss``, to be small, of the epoch whose
            weights the recipe keeps.
        settings: ``path=value`` assignments applied to the recipe first; what is tuned as well
            starts from them.
        seed: of the draws and of each training.
        out: folder of all runs; the study's is ``out/<dataset>/<recipe>-<digest>/tune-<digest>``.
        resume: go on with a study of the same recipe, space, metric and seed; with enough trials it
            is returned as it is.
        device: ``auto``, ``cpu`` or ``cuda``.
        source: how the data were named, for the command in the result.
        image_size: that the data were read with, likewise.
        observer: told of the progress.

    Returns:
        all trials, with importances.

    Raises:
        ConfigError: a dimension, setting or number that cannot be used, or a recipe that holds
            nothing out.
        RunError: there is such a study already and ``resume`` is false, it is of other data, or
            another process has it.
        DressformError: anything else that the user has to know.
    """
    if trials < 1:
        raise ConfigError(f"the number of trials is {trials}; allowed: 1 or more")
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    goal: Metric = "val_loss" if metric == "val_loss" else "val_accuracy"
    resolved = resolve_recipe(recipe, settings)
    base = resolved.recipe
    dimensions = read_space(space, base)
    texts = {dimension.path: dimension.text for dimension in dimensions}
    _check_trainable(base, dimensions, data)
    where = choose_device(device)
    learning = learning_data(base, data)
    if learning.validation is None:
        raise ConfigError(
            f"{base.name} holds no validation images out, so no trial can be judged; add --set "
            f"validation_fraction=0.1"
        )
    layout = TuningLayout(_folder(out, data.name, resolved, (texts, goal, seed)))
    folder = layout.root
    if layout.database.exists() and not resume:
        raise RunError(
            f"{folder} is there already; add --resume to continue or show it, or choose another "
            f"--seed or --out"
        )
    try:
        layout.figure.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be made: {error.strerror or error}; give a writable folder with --out"
        ) from error

    # it brings Optuna, which nothing else has to wait for
    from dressform.experiment.study import (
        open_study,
    )

    steps = max(
        (
            int(end)
            for dimension in dimensions
            if dimension.path == "epochs"
            for end in dimension.extremes
        ),
        default=base.epochs,
    )
    with (
        exclusive(layout.lock),
        open_study(layout.database, dimensions, goal, seed, steps) as study,
    ):
        remove_leftovers(folder)
        digests = [learning.train.digest, learning.validation.digest, learning.digest]
        if study.remember("data", digests) != digests:
            raise RunError(
                f"{folder} was tuned on other data than {data.name} has now; choose another --out"
            )
        chosen = base
        if (
            base.precision == "auto" and "precision" not in texts
        ):  # chosen once, for all trials alike
            precision = choose_precision("auto", where)
            chosen = config.override(base, [f"precision={study.remember('precision', precision)}"])
        observer = observer or Unobserved()
        trainer = TrialRunner(
            chosen,
            learning.train,
            learning.validation,
            goal,
            steps=steps,
            seed=seed,
            device=device,
            cache=features_folder(out),
            observer=observer,
        )
        command = _command(resolved, source, image_size, seed)

        def found(importances: Mapping[str, float]) -> Tuning:
            return Tuning(
                path=folder,
                recipe=base.name,
                metric=goal,
                space=texts,
                seed=seed,
                trials=study.trials(),
                train=command,
                importances=importances,
            )

        tuning = found({})
        write_json(layout.document, tuning.to_json())
        observer.started(tuning, trials)
        while len(tuning.trials) < trials:
            trial, reason = trainer.run(study)
            tuning = found({})
            write_json(layout.document, tuning.to_json())
            observer.trial(trial, tuning.best, reason)
        observer.phase("weighing the settings")
        return found(study.importances())


def _check_trainable(base: Recipe, dimensions: tuple[Dimension, ...], data: DatasetSplits) -> None:
    """Tell before anything is trained what no trial could be trained with."""
    check_trainable(base, data)
    for dimension in dimensions:
        for value in dimension.extremes if dimension.path.startswith("model.") else ():
            check_trainable(config.override(base, [f"{dimension.path}={value}"]), data)


def _folder(
    out: Path, dataset: str, base: ResolvedRecipe, study: tuple[dict[str, str], Metric, int]
) -> Path:
    texts, metric, seed = study
    digest = config.digest([*(f"{path}={text}" for path, text in texts.items()), metric, seed])
    return run_folder(out, dataset, base.recipe.name, base.digest, seed).with_name(f"tune-{digest}")


def _command(
    base: ResolvedRecipe, source: str | None, image_size: int | None, seed: int
) -> list[str]:
    words = ["dressform", "train", base.reference]
    if source not in (None, "fashion-mnist"):
        words += ["--data", str(source)]
    if image_size is not None:
        words += ["--image-size", str(image_size)]
    if seed:
        words += ["--seed", str(seed)]
    return [*words, *(word for assignment in base.settings for word in ("--set", assignment))]
