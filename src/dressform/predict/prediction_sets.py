"""Predictions of runs, cross-validations, files, and ONNX models on a dataset. No torch."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import user_path
from dressform.evaluation.compare import PredictionSet
from dressform.predict.onnx_evaluation import predict_labelled
from dressform.predictions import Predictions, load_predictions
from dressform.predictions.examples import canonical_split
from dressform.predictions.files import format_of
from dressform.predictions.model_files import model_file_advice
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run, open_run

logger = logging.getLogger(__name__)


def prediction_set_of(run: CrossvalRun) -> PredictionSet:
    """A cross-validation as a prediction set: every repeat and its folds."""
    return PredictionSet(run.name, *run.out_of_fold())


def with_distinct_names(
    prediction_sets: Sequence[PredictionSet], paths: Sequence[str | Path]
) -> list[PredictionSet]:
    """The same with distinct names: if two share a name, the end of its path is added to every
    name.
    """
    if len({prediction_set.name for prediction_set in prediction_sets}) == len(prediction_sets):
        return list(prediction_sets)
    return [
        replace(predictions, name=f"{predictions.name} ({end})")
        for predictions, end in zip(prediction_sets, _ends(paths), strict=True)
    ]


def _ends(paths: Sequence[str | Path]) -> list[str]:
    """The shortest distinct ends of paths."""
    parts = [user_path(path).resolve().parts for path in paths]
    for count in range(1, max(len(p) for p in parts) + 1):
        ends = ["/".join(p[-count:]) for p in parts]
        if len(set(ends)) == len(ends):
            return ends
    return [f"{path}, {i}" for i, path in enumerate(paths, 1)]


def kind_of(path: str | Path) -> Literal["run", "predictions", "model"]:
    """The kind of a path by its suffix; any other file counts as predictions, anything else as a
    run.

    Raises:
        DataError: it is a model in a format that dressform does not read.
    """
    path = user_path(path)
    if advice := model_file_advice(path):
        raise DataError(advice)
    if path.suffix.lower() == ".onnx":
        return "model"
    return "predictions" if format_of(path) or path.is_file() else "run"


def load_predictions_of(
    path: Run | str | Path, split: str | None = None
) -> tuple[str, Predictions]:
    """Load the predictions of a run or a file, or make those of a model on Fashion-MNIST.

    Args:
        path: a run or its folder, a predictions file (see
            :func:`dressform.predictions.load_predictions`) or an ``.onnx`` file, on other data see
            :func:`dressform.predict.onnx_evaluation.predict_labelled`.
        split: of a run ``test`` or ``validation``; ``val`` is ``validation``. Default: test, or a
            run's validation if there is no test. Ignored for a predictions file.

    Returns:
        the name of a run (recipe and seed) or the path of a file, and its predictions.

    Raises:
        DressformError: something is missing, unusable or inconsistent.
    """
    if isinstance(path, Run) or kind_of(path) == "run":
        run = path if isinstance(path, Run) else open_run(path)
        chosen = split_of(run, split)
        logger.info(f"split: {chosen}")
        return run.name, run.predictions(chosen)
    if kind_of(path) == "predictions":
        return str(path), load_predictions(path)
    return str(path), predict_labelled(path, split=split).predictions


def check_same_images(runs: Sequence[Run], split: str | None) -> None:
    """Refuse to compare runs whose examples have the same ids and labels but other images, and say
    where they learned from different numbers of examples.

    Raises:
        ConfigError: the digests of their split differ.
    """
    digests = {}
    for run in runs:
        digests[run.manifest.dataset.digests.get(split_of(run, split))] = run
    if len(digests) > 1:
        first, second, *_ = digests.values()
        by = [run.manifest.dataset.grouped_by or "nothing" for run in (first, second)]
        if by[0] != by[1]:
            raise ConfigError(
                f"{first.path} and {second.path} have different groups (by {by[0]} and by "
                f"{by[1]}); "
                f"train both with the same groups"
            )
        raise ConfigError(
            f"{first.path} and {second.path} predicted different images (the digests of their "
            f"{split_of(first, split)} splits differ); train both on the same data"
        )
    counts = {run.manifest.dataset.examples["train"]: run for run in runs}
    if len(counts) > 1:
        sizes = ", ".join(f"{run.path} from {count:,}" for count, run in counts.items())
        logger.warning(
            f"the models learned from different numbers of examples ({sizes}); "
            f"settings=['validation_fraction=…'] changes how many are held out"
        )


def split_of(run: Run, split: str | None) -> str:
    """The full name of a run's split; default: test, or validation if there is no test."""
    if split is None:
        return "test" if run.layout.predictions("test").exists() else "validation"
    return canonical_split(split)
