"""`summarise`: finished folds become out-of-fold predictions and a summary, the same bytes however
often it was interrupted.
"""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, RunError
from dressform.core.files import read_json, write_json
from dressform.core.npz import read_npz, write_npz
from dressform.data.dataset import Dataset
from dressform.data.folds import Folds
from dressform.data.groups import count_groups
from dressform.evaluation.intervals import across_folds
from dressform.evaluation.metrics import METRICS, Scores, accuracy
from dressform.experiment.crossval.fold import read_result
from dressform.predictions import Predictions
from dressform.runs.crossval import FORMAT, CrossvalRun, array_name, open_crossval
from dressform.runs.layout import CrossvalLayout, FoldLayout


def summarise(
    layout: CrossvalLayout, train: Dataset, splits: Sequence[Folds], folds: int, seed: int
) -> CrossvalRun:
    """Join the folds' predictions, score each fold, and write both files where they are not there
    already.

    Args:
        layout: of a cross-validation whose folds are all finished.
        train: the examples that were divided.
        splits: the folds of each repeat.
        folds: K.
        seed: of the study.

    Raises:
        RunError: a fold was changed since it was finished.
    """
    plan = read_json(layout.plan)
    arrays: dict[str, NDArray[Any]] = {
        "ids": train.ids,
        "labels": train.labels,
        "class_names": np.array(train.class_names),
    }
    if train.groups is not None:
        arrays["groups"] = train.groups
    rows, scores = [], []
    for repeat, split in enumerate(splits):
        logits = np.empty((len(train), len(train.class_names)), dtype=np.float32)
        for fold in range(folds):
            place = layout.fold(repeat, fold)
            part = _predictions(place, train, split.test_indices(fold))
            logits[split.test_indices(fold)] = part.logits
            scores.append(Scores(part))
            epochs = read_result(place).epochs
            rows.append(
                {"repeat": repeat, "fold": fold, "accuracy": accuracy(scores[-1]), "epochs": epochs}
            )
        arrays |= {array_name("logits", repeat): logits, array_name("fold", repeat): split.fold}
    estimates = {
        name: across_folds([metric.value(part, None) for part in scores], folds)
        .clip(0, metric.maximum)
        .to_json()
        for name, metric in METRICS.items()
    }
    accuracies = [row["accuracy"] for row in rows]
    summary = {
        "format": FORMAT,
        "recipe": plan["recipe"],
        "settings": plan["settings"],
        "digest": plan["digest"],
        "k": folds,
        "repeats": len(splits),
        "seed": seed,
        "examples": len(train),
        "data_digest": train.digest,
        **({} if train.groups is None else {"groups": count_groups(train)}),
        "fold_digests": [split.digest for split in splits],
        "folds": rows,
        "mean": fmean(accuracies),
        "sd": stdev(accuracies),
        "low": estimates["accuracy"]["low"],
        "high": estimates["accuracy"]["high"],
        "method": estimates["accuracy"]["method"],
        "estimates": estimates,
        "out_of_fold": layout.out_of_fold.name,
    }
    if not _has_arrays(layout, arrays):
        write_npz(layout.out_of_fold, arrays)
    if not _has_summary(layout, summary):
        write_json(layout.summary, summary)
    return open_crossval(layout.root)


def _predictions(place: FoldLayout, train: Dataset, judged: NDArray[np.int64]) -> Predictions:
    try:
        part = Predictions.load(place.predictions)
    except DataError as error:
        raise RunError(f"{error}; delete {place.root} and run crossval with resume=True") from error
    same = np.array_equal(part.ids, train.ids[judged]) and np.array_equal(
        part.labels, train.labels[judged]
    )
    if not same or part.class_names != train.class_names:
        raise RunError(
            f"{place.root} holds predictions of other examples; delete that folder and run "
            f"crossval with resume=True"
        )
    return part


def _has_arrays(layout: CrossvalLayout, arrays: dict[str, NDArray[Any]]) -> bool:
    try:
        found = read_npz(layout.out_of_fold)
    except DataError:
        return False
    return found.keys() == arrays.keys() and all(
        np.array_equal(found[name], array) for name, array in arrays.items()
    )


def _has_summary(layout: CrossvalLayout, summary: dict[str, Any]) -> bool:
    try:
        return bool(read_json(layout.summary) == summary)
    except RunError:
        return False
