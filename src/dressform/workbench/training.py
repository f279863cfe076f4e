"""Train, compare by cross-validation, search for settings; with figures."""

import logging
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from dressform.core.arguments import whole_number
from dressform.core.errors import ConfigError
from dressform.core.registry import is_file_reference
from dressform.data.audit import log_shared_images
from dressform.data.catalog import CATALOG
from dressform.data.dataset import DatasetSplits
from dressform.data.group_advice import log_group_advice
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.data.source import log_notes, read_data
from dressform.recipes import RECIPES, image_size_for
from dressform.runs.crossval import CrossvalRun
from dressform.runs.layout import DEFAULT_ROOT
from dressform.runs.run import Run
from dressform.runs.tuning import Tuning
from dressform.training.callback import Callback

if TYPE_CHECKING:  # these import torch
    from dressform.experiment.auto.auto import AutoResult
    from dressform.experiment.options import RunOptions
    from dressform.training.recipe import Recipe

logger = logging.getLogger(__name__)

# torch is imported inside the calls: a misspelt name is reported at once.


def train(
    recipe: "Recipe | str" = "fast",
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    settings: Iterable[str] = (),
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
    **reading: Unpack[ReadArguments],
) -> Run:
    """Train a recipe, evaluate it, and keep everything in a run directory, figures included.

    Args:
        recipe: a name of ``dressform recipes``, ``file.py:function``, or a :class:`Recipe`.
        data: a name of ``dressform data list``, a path, or splits that are loaded already.
        settings: changes to the recipe, such as ``["epochs=3", "optim.lr=0.05"]``.
        seed: random seed for weights, order, augmentation and dropout.
        out: folder of all runs.
        resume: continue an unfinished run of the same recipe, data and seed; a finished one is
            returned as it is.
        device: ``auto``, ``cpu`` or ``cuda``.
        callback: follows the training, and may stop it.
        **reading: how the data are read where they do not say: see :func:`dressform.load_data`;
            ``image_size`` is the recipe's by default, else 64.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    callback = callback or Callback()
    seed = check_request([recipe], seed)
    splits = _read(data, reading, [recipe], callback)

    from dressform.experiment.resolved import resolve_recipe
    from dressform.experiment.train_run import train_run

    resolved = resolve_recipe(recipe, settings)
    options = _options(out=out, resume=resume, device=device, callback=callback)
    run = train_run(resolved, splits, seed=seed, options=options)
    _draw(run, splits, callback)
    return run


def train_auto(
    data: str | Path = "fashion-mnist",
    *,
    budget: float = 600.0,
    elapsed: float = 0.0,
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
    **reading: Unpack[ReadArguments],
) -> "AutoResult":
    """Find the best candidate within a time budget, and train it.

    Args:
        data: a name of ``dressform data list``, or a path.
        budget: seconds for everything, figures included, 30 or more. The clock is kept: the last
            training is shortened to the time that is left.
        elapsed: seconds of the budget that are spent already, such as by the start of the program.
        seed: random seed for folds and training.
        out: folder of all runs.
        resume: continue an interrupted call.
        device: ``auto``, ``cpu`` or ``cuda``.
        callback: follows the progress.
        **reading: see :func:`train`; ``image_size`` is each candidate's own by default.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    callback = callback or Callback()
    seed = check_request([], seed)

    from dressform.experiment.auto.auto import train_auto as find_and_train

    options = _options(out=out, resume=resume, device=device, callback=callback)
    result = find_and_train(
        data,
        budget=budget,
        elapsed=elapsed,
        seed=seed,
        reading=ReadOptions.of(reading),
        options=options,
    )
    if result.deadline.left() > 0:
        _draw(result.run, result.data, callback)
    else:
        logger.warning(
            f"the budget is used up, so no figures are drawn; draw them with: dressform figures "
            f"{shlex.quote(str(result.run.path))}"
        )
    return result


def crossval(
    recipes: "Sequence[Recipe | str] | Recipe | str",
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    settings: Iterable[str] = (),
    workers: int | None = None,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
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
        **reading: see :func:`train`.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    callback = callback or Callback()
    several = _several(recipes)
    seed = check_request(several, seed)
    splits = _read(data, reading, several, callback)

    from dressform.experiment.crossval.cross_validation import crossval as cross_validate
    from dressform.experiment.resolved import resolve_recipe

    assignments = tuple(settings)
    studies = cross_validate(
        [resolve_recipe(recipe, assignments) for recipe in several],
        splits,
        folds=folds,
        repeats=repeats,
        seed=seed,
        options=_options(out=out, resume=resume, device=device, workers=workers, callback=callback),
    )
    from dressform.reporting.figures.crossval import draw_crossval

    callback.on_phase_begin("drawing figures")
    for study in studies:
        draw_crossval(study)
    return studies


def tune(
    recipe: "Recipe | str",
    space: Iterable[str],
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    trials: int = 30,
    metric: str = "val_accuracy",
    settings: Iterable[str] = (),
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    callback: Callback | None = None,
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
        **reading: see :func:`train`.

    Raises:
        DressformError: its message says what was given, what is allowed and what to do.
    """
    callback = callback or Callback()
    seed = check_request([recipe], seed)
    splits = _read(data, reading, [recipe], callback)

    from dressform.experiment.resolved import resolve_recipe
    from dressform.experiment.tuning.tune import tune as search

    resolved = resolve_recipe(recipe, settings)
    options = _options(out=out, resume=resume, device=device, callback=callback)
    tuning = search(
        resolved, splits, space, trials=trials, metric=metric, seed=seed, options=options
    )
    from dressform.reporting.figures.canvas import save
    from dressform.reporting.figures.tuning import draw_tuning

    callback.on_phase_begin("drawing figures")
    title = f"{tuning.recipe}: {len(tuning.trials)} trials"
    save(draw_tuning(tuning.to_json(), title), tuning.layout.figure)
    return tuning


def _several(recipes: "Sequence[Recipe | str] | Recipe | str") -> "list[Recipe | str]":
    if isinstance(recipes, str) or not isinstance(recipes, Sequence):
        return [recipes]
    return list(recipes)


def check_request(recipes: "Sequence[Recipe | str]", seed: int) -> int:
    """Refuse misspelt recipes and unusable seeds before torch and the data are loaded.

    Returns:
        the seed.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: the seed is no whole number, or negative.
    """
    for recipe in recipes:
        if isinstance(recipe, str) and not is_file_reference(recipe):
            RECIPES.check(recipe)
    return whole_number("seed", seed, least=0)


def _read(
    data: DatasetSplits | str | Path,
    reading: ReadArguments,
    recipes: "Sequence[Recipe | str]",
    callback: Callback,
) -> DatasetSplits:
    options = ReadOptions.of(reading)
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
