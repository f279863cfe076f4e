"""Train, compare by cross-validation, search for settings; with figures."""

import logging
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np

from dressform.core.clock import seconds_of
from dressform.core.errors import ConfigError
from dressform.core.numbers import percent
from dressform.data.audit import log_shared_images
from dressform.data.catalog import CATALOG
from dressform.data.dataset import DatasetSplits
from dressform.data.group_advice import log_group_advice
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.data.source import log_notes, read_data
from dressform.evaluation.evaluate import estimate
from dressform.evaluation.metrics import METRICS
from dressform.recipes import image_size_for
from dressform.runs.crossval import CrossvalRun
from dressform.runs.layout import DEFAULT_ROOT
from dressform.runs.run import Run
from dressform.runs.tuning import Tuning
from dressform.training.callback import Callback
from dressform.workbench.arguments import Settings, check_request, checked_reading, checked_settings
from dressform.workbench.progress import following

if TYPE_CHECKING:  # these import torch
    from dressform.experiment.auto.auto import AutoResult
    from dressform.experiment.options import RunOptions
    from dressform.training.recipe import Recipe

logger = logging.getLogger(__name__)

NEAR_CHANCE = 1.5
"""An accuracy whose interval ends below this many times that of guessing is no better than it."""

# torch is imported inside the calls: a misspelt name is reported at once.


def train(
    recipe: "Recipe | str" = "fast",
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    settings: Settings = (),
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
    progress: bool = True,
    **reading: Unpack[ReadArguments],
) -> Run:
    """Train a recipe, evaluate it, and keep everything in a run directory, figures included.

    Args:
        recipe: a name of ``dressform recipes``, ``file.py:function``, or a :class:`Recipe`.
        data: a name of ``dressform data list``, a path, or splits that are loaded already.
        settings: changes to the recipe, such as ``{"epochs": 3, "optim.lr": 0.05}`` or, as on the
            command line, ``["epochs=3", "optim.lr=0.05"]``.
        seed: random seed for weights, order, augmentation and dropout.
        out: folder of all runs.
        resume: continue an unfinished run of the same recipe, data and seed; a finished one is
            returned as it is.
        device: ``auto``, ``cpu`` or ``cuda``.
        callback: follows the training, and may stop it.
        progress: whether a live line shows how far it is, in a terminal or a notebook; elsewhere
            there is none.
        **reading: how the data are read where they do not say: see :func:`dressform.load_data`;
            ``image_size`` is the recipe's by default, else 64.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    if recipe == "auto":
        raise ConfigError("auto is not a recipe; call train_auto(data, budget='10m')")
    seed, reads = check_request([recipe], seed), checked_reading(train, reading)
    changes = checked_settings("settings", settings)
    with following(callback, _title([recipe]), progress=progress) as follows:
        splits = _read(data, reads, [recipe], follows)

        from dressform.experiment.resolved import resolve_recipe
        from dressform.experiment.train_run import train_run

        resolved = resolve_recipe(recipe, changes)
        options = _options(out=out, resume=resume, device=device, callback=follows)
        run = train_run(resolved, splits, seed=seed, options=options)
        _draw(run, splits, follows)
    warn_of_chance(run, "more epochs")
    return run


def train_auto(
    data: str | Path = "fashion-mnist",
    *,
    budget: float | str = 600.0,
    elapsed: float = 0.0,
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
    progress: bool = True,
    **reading: Unpack[ReadArguments],
) -> "AutoResult":
    """Find the best candidate within a time budget, and train it.

    Args:
        data: a name of ``dressform data list``, or a path.
        budget: seconds for everything, figures included, 30 or more, or a text such as ``10m``. The
            clock is kept: the last training is shortened to the time that is left.
        elapsed: seconds of the budget that are spent already, such as by the start of the program.
        seed: random seed for folds and training.
        out: folder of all runs.
        resume: continue an interrupted call.
        device: ``auto``, ``cpu`` or ``cuda``.
        callback: follows the progress.
        progress: see :func:`train`.
        **reading: see :func:`train`; ``image_size`` is each candidate's own by default.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    seed, seconds = check_request([], seed), seconds_of("budget", budget)
    reads = checked_reading(train_auto, reading)

    from dressform.experiment.auto.auto import train_auto as find_and_train

    with following(callback, "auto", progress=progress) as follows:
        options = _options(out=out, resume=resume, device=device, callback=follows)
        result = find_and_train(
            data,
            budget=seconds,
            elapsed=elapsed,
            seed=seed,
            reading=reads,
            options=options,
        )
        in_time = result.deadline.left() > 0
        if in_time:
            _draw(result.run, result.data, follows)
    warn_of_chance(result.run, "more time (budget=)")
    if not in_time:
        logger.warning(
            f"the budget is used up, so no figures are drawn; draw them with: dressform figures "
            f"{shlex.quote(str(result.run.path))}"
        )
    return result


def warn_of_chance(run: Run, more: str) -> None:
    """Say where a training has learned nothing, or less than which class is the largest.

    Args:
        run: finished.
        more: what may help beside more images.
    """
    if not run.layout.predictions("validation").exists():
        return
    predictions = run.predictions("validation")
    accuracy = estimate(METRICS["accuracy"], predictions)
    classes = len(predictions.class_names)
    counts = np.bincount(predictions.labels, minlength=classes)
    largest, share = int(counts.argmax()), counts.max() / counts.sum()
    advice = f"give {more} or images"
    if accuracy.high <= NEAR_CHANCE / classes or accuracy.value <= 1 / classes:
        logger.warning(
            f"validation accuracy {percent(accuracy.value)} is no better than chance for "
            f"{classes:,} classes; {advice}"
        )
    elif accuracy.value < share:
        logger.warning(
            f"validation accuracy {percent(accuracy.value)} is less than {percent(float(share))}, "
            f"the share of {predictions.class_names[largest]}; {advice}"
        )


def crossval(
    recipes: "Sequence[Recipe | str] | Recipe | str",
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    settings: Settings = (),
    workers: int | None = None,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
    progress: bool = True,
    **reading: Unpack[ReadArguments],
) -> list[CrossvalRun]:
    """Cross-validate recipes on the same folds, and draw their curves and box plots.

    Args:
        recipes: one or several; see :func:`train`.
        data: see :func:`train`; only its ``train`` split is used.
        folds: K, 2 to 100.
        repeats: how many times, each with other folds.
        seed: random seed for folds and training.
        settings: changes to every recipe.
        workers: processes that share the cores; default one per core. Recipes given as objects are
            trained in this process.
        out: folder of all runs.
        resume: continue after an interruption, or add repeats.
        device: ``auto``, ``cpu`` or ``cuda``.
        callback: follows the progress.
        progress: see :func:`train`.
        **reading: see :func:`train`.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    several = _several(recipes)
    seed, reads = check_request(several, seed), checked_reading(crossval, reading)
    changes = checked_settings("settings", settings)
    with following(callback, _title(several), progress=progress) as follows:
        from dressform.experiment.crossval.cross_validation import crossval as cross_validate
        from dressform.experiment.resolved import resolve_recipe

        resolved = [resolve_recipe(recipe, changes) for recipe in several]
        splits = _read(data, reads, several, follows)
        studies = cross_validate(
            resolved,
            splits,
            folds=folds,
            repeats=repeats,
            seed=seed,
            options=_options(
                out=out, resume=resume, device=device, workers=workers, callback=follows
            ),
        )
        from dressform.reporting.figures.crossval import draw_crossval

        follows.on_phase_begin("drawing figures")
        for study in studies:
            draw_crossval(study)
    return studies


def tune(
    recipe: "Recipe | str",
    space: Iterable[str] | str,
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    trials: int = 30,
    metric: str = "val_accuracy",
    settings: Settings = (),
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
    progress: bool = True,
    **reading: Unpack[ReadArguments],
) -> Tuning:
    """Find good settings for a recipe on validation images, and draw what was tried.

    Args:
        recipe: see :func:`train`.
        space: what varies, such as ``["optim.lr=log:1e-4:1e-1", "model.depth=1,2,3"]``.
        data: see :func:`train`; its test split is not looked at.
        trials: total number of trials; resuming with more adds the difference.
        metric: ``val_accuracy`` or ``val_loss``.
        settings: changes to the recipe, made first.
        seed: random seed for sampling and for each training run.
        out: folder of all runs.
        resume: continue a study with the same recipe, space, metric and seed.
        device: ``auto``, ``cpu`` or ``cuda``.
        callback: follows the progress.
        progress: see :func:`train`.
        **reading: see :func:`train`.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    seed, reads = check_request([recipe], seed), checked_reading(tune, reading)
    changes, dimensions = checked_settings("settings", settings), checked_settings("space", space)
    with following(callback, _title([recipe]), progress=progress) as follows:
        splits = _read(data, reads, [recipe], follows)

        from dressform.experiment.resolved import resolve_recipe
        from dressform.experiment.tuning.tune import tune as search

        resolved = resolve_recipe(recipe, changes)
        options = _options(out=out, resume=resume, device=device, callback=follows)
        tuning = search(
            resolved, splits, dimensions, trials=trials, metric=metric, seed=seed, options=options
        )
        from dressform.reporting.figures.canvas import origin_of, save
        from dressform.reporting.figures.tuning import draw_tuning

        follows.on_phase_begin("drawing figures")
        title = f"{tuning.recipe}: {len(tuning.trials)} trials"
        origin = origin_of(tuning.path, tuning.recipe) | {"Comment": tuning.command or ""}
        save(draw_tuning(tuning.to_json(), title), tuning.layout.figure, origin)
    return tuning


def _title(recipes: "Sequence[Recipe | str]") -> str:
    names = [recipe if isinstance(recipe, str) else recipe.name for recipe in recipes]
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _several(recipes: "Sequence[Recipe | str] | Recipe | str") -> "list[Recipe | str]":
    if isinstance(recipes, str) or not isinstance(recipes, Sequence):
        return [recipes]
    return list(recipes)


def _read(
    data: DatasetSplits | str | Path,
    options: ReadOptions,
    recipes: "Sequence[Recipe | str]",
    callback: Callback,
) -> DatasetSplits:
    if isinstance(data, DatasetSplits):
        if options != ReadOptions():
            raise ConfigError(
                f"{', '.join(options.changed())} given with data that were read already; give the "
                f"path in their place, or read them so: load_data(path, …)"
            )
        log_group_advice(data)
        log_shared_images(data)
        return data
    callback.on_phase_begin("reading the data")
    if options.image_size is None:
        options = replace(options, image_size=image_size_for(*recipes))
    splits = read_data(data, options)
    log_notes(splits)
    log_group_advice(splits)
    if str(data) not in CATALOG:
        log_shared_images(splits)
    return splits


def _options(
    *,
    out: str | Path,
    resume: bool,
    device: str,
    workers: int | None = None,
    callback: Callback,
) -> "RunOptions":
    from dressform.experiment.options import RunOptions

    return RunOptions(
        out=Path(out),
        resume=resume,
        device=device,
        workers=workers,
        callback=callback,
    )


def _draw(run: Run, data: DatasetSplits, callback: Callback) -> None:
    """Draw what is missing; a run is finished without figures, too."""
    from dressform.workbench.pages import draw_missing

    callback.on_phase_begin("drawing figures")
    try:
        draw_missing(run, data)
    except OSError as error:
        logger.warning(
            f"{error.filename or run.layout.figures} cannot be written "
            f"({error.strerror or error}); draw them later with: dressform figures "
            f"{shlex.quote(str(run.path))}"
        )
