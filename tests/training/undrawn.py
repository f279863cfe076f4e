"""Runs without figures, for tests that look at none: drawing them takes longer than training."""

from collections.abc import Sequence
from pathlib import Path

from dressform.data.dataset import DatasetSplits
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import resolve_recipe
from dressform.experiment.train_run import train_run
from dressform.runs.run import Run
from dressform.training.callback import Callback
from dressform.training.recipe import Recipe


def train_undrawn(
    recipe: Recipe | str,
    data: DatasetSplits,
    *,
    out: Path,
    settings: Sequence[str] = (),
    seed: int = 0,
    resume: bool = False,
    callback: Callback | None = None,
) -> Run:
    """What ``dressform.train`` does before it draws."""
    options = RunOptions(out=out, resume=resume, callback=callback or Callback())
    return train_run(resolve_recipe(recipe, list(settings)), data, seed=seed, options=options)
