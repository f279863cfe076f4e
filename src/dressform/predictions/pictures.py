"""The pictures behind predictions."""

import numpy as np

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.predictions.predictions import Predictions


def pictures_of(predictions: Predictions, data: DatasetSplits, split: str) -> Dataset:
    """The examples that were predicted, in the order of the predictions.

    Args:
        predictions: with the ids and labels of the data.
        data: where they came from.
        split: ``test``, or ``val`` or ``train``, which are looked for in that split first, then in the other of the two:
            validation may have been held out of train.

    Raises:
        DataError: the data do not have these examples.
    """
    named = {"val": "validation"}.get(split, split)
    for name, dataset in sorted(data, key=lambda pair: pair[0] != named):
        if (name == "test") != (split == "test"):
            continue
        order = np.argsort(dataset.ids)
        place = np.searchsorted(dataset.ids, predictions.ids, sorter=order).clip(max=len(dataset) - 1)
        positions = order[place]
        same_ids = np.array_equal(dataset.ids[positions], predictions.ids)
        if same_ids and np.array_equal(dataset.labels[positions], predictions.labels):
            return dataset.take(positions)
    raise DataError(f"{data.name} does not have the examples that were predicted; give the data that the run was made with")
