"""The calls below the public ones, with the public ones' keywords: nothing is drawn."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadOptions
from dressform.experiment.auto import auto
from dressform.experiment.crossval.cross_validation import crossval as cross_validate
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import resolve_recipe
from dressform.experiment.train_run import train_run as train_resolved
from dressform.experiment.tuning.tune import tune as tune_resolved
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run
from dressform.runs.tuning import Tuning
from dressform.training.recipe import Recipe

DENSE = ("epochs=2", "batch_size=50", "precision=float32", "optim.lr=0.05")
"""Settings that make the recipe ``simple-dense`` train in a fraction of a second."""
OPTIONS = ("out", "resume", "device", "workers", "callback")


def split(arguments: dict[str, Any]) -> tuple[dict[str, Any], RunOptions]:
    options = {name: arguments.pop(name) for name in OPTIONS if name in arguments}
    return arguments, RunOptions(**options)


def train_run(
    recipe: Recipe | str, data: DatasetSplits, *, settings: Iterable[str] = (), **more: Any
) -> Run:
    more, options = split(more)
    return train_resolved(resolve_recipe(recipe, settings), data, options=options, **more)


def crossval(
    recipes: Sequence[Recipe | str],
    data: DatasetSplits,
    *,
    settings: Iterable[str] = (),
    **more: Any,
) -> list[CrossvalRun]:
    more, options = split(more)
    assignments = tuple(settings)
    resolved = [resolve_recipe(recipe, assignments) for recipe in recipes]
    return cross_validate(resolved, data, options=options, **more)


def tune(
    recipe: Recipe | str,
    data: DatasetSplits,
    space: Iterable[str],
    *,
    settings: Iterable[str] = (),
    **more: Any,
) -> Tuning:
    more, options = split(more)
    return tune_resolved(resolve_recipe(recipe, settings), data, space, options=options, **more)


def train_auto(source: str | Path, **more: Any) -> auto.AutoResult:
    more, options = split(more)
    return auto.train_auto(source, reading=ReadOptions(), options=options, **more)
