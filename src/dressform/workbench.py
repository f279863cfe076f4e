"""The two calls that join training, keeping and drawing; the command line and ``import dressform``
both use them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from dressform.core.errors import DressformError
from dressform.core.files import user_path
from dressform.data.dataset import DatasetSplits
from dressform.data.source import load_data
from dressform.experiment.crossval import CrossvalObserver
from dressform.experiment.crossval import crossval as cross_validate
from dressform.experiment.train_run import train_run
from dressform.experiment.tune import tune as run_tuning
from dressform.experiment.tuning import Tuning, TuningObserver
from dressform.recipes import image_size_for
from dressform.report.figures import draw_figures, figure_names
from dressform.report.figures.canvas import save
from dressform.report.figures.crossval import draw_crossval
from dressform.report.figures.tuning import draw_tuning
from dressform.runs.crossval import CrossvalRun, is_crossval, open_crossval
from dressform.runs.layout import DEFAULT_ROOT
from dressform.runs.run import Run, open_run
from dressform.training.history import RunObserver, Silent
from dressform.training.recipe import Recipe


def train(
    recipe: Recipe | str = "fast",
    data: DatasetSplits | str | Path = "fashion-mnist",
    *,
    settings: Iterable[str] = (),
    seed: int = 0,
    out: str | Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    image_size: int | None = None,
    observer: RunObserver | None = None,
) -> Run:
    """Train a recipe, judge it, and keep everything in a run directory, figures included.

    Args:
        recipe: a name of ``dressform recipes``, ``file.py:function``, or a :class:`Recipe`.
        data: a name of ``dressform data list``, a path, or splits that are loaded already.
        settings: changes to the recipe, such as ``["epochs=3", "optim.lr=0.05"]``.
        seed: of weights, order, augmentation and dropout.
        out: folder of all runs.
        resume: go on with an unfinished run of the same recipe, data and seed; a finished one is
            returned as it is.
        device: ``auto``, ``cpu`` or ``cuda``.
        image_size: side in pixels for folders of pictures of several sizes; default: the recipe's,
            else 64.
        observer: told of the progress.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    splits, image_size = _read(data, image_size, recipe)
    observer = observer or Silent()
    run = train_run(
        recipe,
        splits,
        settings=settings,
        seed=seed,
        out=Path(out),
        resume=resume,
        device=device,
        source=splits.name if isinstance(data, DatasetSplits) else str(data),
        image_size=image_size,
        observer=observer,
    )
    observer.phase("drawing figures")
    draw_missing(run, splits)
    return run


def crossval(
    recipes: Sequence[Recipe | str] | Recipe | str,
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
    observer: CrossvalObserver | None = None,
) -> list[CrossvalRun]:
    """Cross-validate recipes on the same folds, and draw their curves and box plots.

    Args:
        recipes: one or several; see :func:`train`.
        data: see :func:`train`; only its ``train`` split is used.
        folds: K, 2 to 100.
        repeats: how many times, each with other folds.
        seed: of the folds and of the trainings.
        settings: changes to every recipe.
        workers: processes that share the cores; default one a core. Recipes given as objects are
            trained in this process.
        out: folder of all runs.
        resume: go on after an interruption, or add repeats.
        device: ``auto``, ``cpu`` or ``cuda``.
        observer: told of the progress.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    chosen = [recipes] if isinstance(recipes, (str, Recipe)) else list(recipes)
    splits, _ = _read(data, None, *chosen)
    found = cross_validate(
        chosen,
        splits,
        folds=folds,
        repeats=repeats,
        seed=seed,
        settings=settings,
        workers=workers,
        out=Path(out),
        resume=resume,
        device=device,
        observer=observer,
    )
    if observer is not None:
        observer.phase("drawing figures")
    for run in found:
        draw_crossval(run)
    return found


def tune(
    recipe: Recipe | str,
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
    source: str | None = None,
    image_size: int | None = None,
    observer: TuningObserver | None = None,
) -> Tuning:
    """Find good settings for a recipe on validation images, and draw what was tried.

    Args:
        recipe: see :func:`train`.
        space: what varies, such as ``["optim.lr=log:1e-4:1e-1", "model.depth=1,2,3"]``.
        data: see :func:`train`; its test split is not looked at.
        trials: trainings in all; resuming with more adds the difference.
        metric: ``val_accuracy`` or ``val_loss``.
        settings: changes to the recipe, made first.
        seed: of the draws and of each training.
        out: folder of all runs.
        resume: go on with a tuning of the same recipe, space, metric and seed.
        device: ``auto``, ``cpu`` or ``cuda``.
        source: how loaded data were named, for the command that trains the best.
        image_size: see :func:`train`.
        observer: told of the progress.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    splits, image_size = _read(data, image_size, recipe)
    named = source or (splits.name if isinstance(data, DatasetSplits) else str(data))
    tuning = run_tuning(
        recipe,
        splits,
        space,
        trials=trials,
        metric=metric,
        settings=settings,
        seed=seed,
        out=Path(out),
        resume=resume,
        device=device,
        source=named,
        image_size=image_size,
        observer=observer,
    )
    if observer is not None:
        observer.phase("drawing figures")
    save(
        draw_tuning(tuning.to_json(), f"{tuning.recipe}: {len(tuning.trials)} trials"),
        tuning.layout.figure,
    )
    return tuning


def _read(
    data: DatasetSplits | str | Path, image_size: int | None, *recipes: Recipe | str
) -> tuple[DatasetSplits, int | None]:
    """The splits, and the side in pixels that they were read with where that was decided here."""
    if isinstance(data, DatasetSplits):
        return data, image_size
    size = image_size_for(*recipes) if image_size is None else image_size
    return load_data(data, image_size=size), size


def draw_missing(run: Run, data: DatasetSplits) -> list[Path]:
    """The figures of a run, drawn if there are none yet."""
    expected = [run.layout.figures / name for name in figure_names(run)]
    return expected if all(path.exists() for path in expected) else draw_figures(run, data)


def redraw(path: str | Path) -> list[Path]:
    """Draw the figures of a run or a cross-validation anew; those with pictures only where a run's
    data can still be read.

    Raises:
        RunError: neither, or not finished.
    """
    if is_crossval(user_path(path)):
        return draw_crossval(open_crossval(path))
    run = open_run(path)
    dataset = run.manifest.dataset
    try:
        data: DatasetSplits | None = load_data(dataset.source, image_size=dataset.image_size)
    except DressformError:
        data = None
    if data is not None and {split: d.digest for split, d in data} != dataset.digests:
        # changed since, or another set of that name: their pictures would be the wrong ones
        data = None
    return draw_figures(run, data)
