"""`OutOfSample`: predictions of examples that their model was not trained on."""

from pathlib import Path
from typing import NamedTuple

from dressform.predict.prediction_sets import kind_of, load_predictions_of, split_of
from dressform.predictions import Predictions
from dressform.predictions.examples import canonical_split
from dressform.runs.crossval import is_crossval, open_crossval
from dressform.runs.run import open_run


class OutOfSample(NamedTuple):
    """A model's predictions of examples that it was not trained on.

    Attributes:
        name: of the model.
        predictions: of test by a run, or of train out of fold.
        split: ``train``, ``validation`` or ``test`` if it is known; it is tried first.
        recipe: of the training, as given to ``dressform train``, if it is known.
        settings: the ``--set`` assignments of that training.
    """

    name: str
    predictions: Predictions
    split: str | None = None
    recipe: str | None = None
    settings: tuple[str, ...] = ()


def load_out_of_sample(path: str | Path) -> OutOfSample:
    """Load the predictions of a cross-validation (its first repeat, out of fold), a run, or a
    predictions file.

    Raises:
        DressformError: the path is none of these.
    """
    if is_crossval(path):
        crossval = open_crossval(path)
        (first, *_), _ = crossval.out_of_fold()
        summary = crossval.summary
        return OutOfSample(crossval.name, first, "train", summary.recipe, tuple(summary.settings))
    if kind_of(path) != "run":
        return OutOfSample(*load_predictions_of(path))
    run = open_run(path)
    split = split_of(run, None)
    name, predictions = load_predictions_of(run, split)
    return OutOfSample(
        name,
        predictions,
        canonical_split(split),
        run.manifest.reference,
        tuple(run.manifest.settings),
    )
