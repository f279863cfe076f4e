"""The images behind predictions."""

import numpy as np

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.predictions.predictions import Predictions, positions


def split_name(split: str) -> str:
    """The name of a split; ``val`` is short for ``validation``."""
    return "validation" if split == "val" else split


def images_of(predictions: Predictions, data: DatasetSplits, split: str) -> Dataset:
    """The examples that were predicted, in the order of the predictions.

    Args:
        predictions: with the ids and labels of the data.
        data: where they came from.
        split: ``test``, or ``validation`` or ``train``, which are looked for in that split first,
            then in the other of the two: validation may have been held out of train.

    Raises:
        DataError: the data do not have these examples.
    """
    for name, dataset in sorted(data, key=lambda pair: pair[0] != split):
        if (name == "test") != (split == "test"):
            continue
        found = dataset.take(positions(dataset.ids, predictions.ids))
        if np.array_equal(found.ids, predictions.ids) and np.array_equal(
            found.labels, predictions.labels
        ):
            return found
    raise DataError(
        f"{data.name} does not have the examples that were predicted; give the data that the run "
        f"was made with"
    )
