"""What calls take: runs, cross-validations, predictions, or paths of them, alone or in lists."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from dressform.core.errors import ConfigError
from dressform.evaluation.compare import PredictionSet
from dressform.predict.model_folder import is_shipped, shipped_folder
from dressform.predict.prediction_sets import kind_of
from dressform.predictions import Predictions
from dressform.runs.crossval import CrossvalRun, is_crossval, open_crossval
from dressform.runs.run import Run, open_run

Evaluable = Run | CrossvalRun | Predictions | PredictionSet | str | Path
"""Anything with predictions; a path is the folder of a run or of a cross-validation, a predictions
file, or an ONNX model.
"""
Opened = Run | CrossvalRun | Predictions | PredictionSet | Path

Item = TypeVar("Item")


def several(what: Iterable[Item | Sequence[Item]]) -> list[Item]:
    """The arguments of a call that takes several, one by one or as lists."""
    flat: list[Item] = []
    for one in what:
        if isinstance(one, (list, tuple)):
            flat += one
        else:
            flat.append(one)  # type: ignore[arg-type]
    return flat


def open_any(what: Evaluable) -> Opened:
    """A path of a run or a cross-validation is opened; other paths stay what they are, but that the
    name of the model that comes with dressform becomes the path of its ONNX file.

    Raises:
        ConfigError: it has no predictions.
        RunError: the run or cross-validation cannot be opened.
    """
    if isinstance(what, (Run, CrossvalRun, Predictions, PredictionSet)):
        return what
    if isinstance(what, (list, tuple)):
        raise ConfigError(
            f"a {type(what).__name__} of {len(what)} cannot be evaluated; allowed: a run, a "
            f"cross-validation, predictions, or a path of one; compare and report take several"
        )
    if not isinstance(what, (str, Path)):
        raise ConfigError(
            f"{type(what).__name__} cannot be evaluated; allowed: a run, a cross-validation, "
            f"predictions, or a path of one"
        )
    if is_crossval(what):
        return open_crossval(what)
    if is_shipped(what) and not Path(what).exists():
        return shipped_folder() / "model.onnx"
    return open_run(what) if kind_of(what) == "run" else Path(what)


def open_one_run(what: Run | str | Path) -> Run:
    """A run, opened where a path is given.

    Raises:
        ConfigError: it is of another type.
        RunError: the run cannot be opened.
    """
    if isinstance(what, Run):
        return what
    if not isinstance(what, (str, Path)):
        raise ConfigError(
            f"{type(what).__name__} was given in place of a run; allowed: a Run, or the path of "
            f"its folder"
        )
    return open_run(what)


def folder_of(what: Run | CrossvalRun | str | Path) -> str | Path:
    """The folder of a run or a cross-validation; other paths stay what they are.

    Raises:
        ConfigError: it is of another type.
    """
    if isinstance(what, (Run, CrossvalRun)):
        return what.path
    if not isinstance(what, (str, Path)):
        raise ConfigError(
            f"{type(what).__name__} was given in place of a run; allowed: a Run, a CrossvalRun, or "
            f"the path of its folder"
        )
    return what
