"""The examples behind predictions."""

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.predictions.predictions import Predictions


def indices_of(ids: NDArray[np.str_], requested: NDArray[np.str_]) -> NDArray[np.int64]:
    """Indices of the requested ids among unique ``ids``, int64 [len(requested)]; arbitrary for an
    id that is missing.
    """
    order = np.argsort(ids)
    return np.asarray(
        order[np.searchsorted(ids, requested, sorter=order).clip(max=len(ids) - 1)], dtype=np.int64
    )


def canonical_split(split: str) -> str:
    """The full name of a split; ``val`` is short for ``validation``."""
    return "validation" if split == "val" else split


def examples_of(predictions: Predictions, data: DatasetSplits, split: str) -> Dataset:
    """The predicted examples, in the order of the predictions.

    Args:
        predictions: whose ids and labels are those of the data.
        data: the dataset that they were made on.
        split: ``test``; or ``validation`` or ``train``, which are looked up in that split first and
            then in the other of the two, since validation may have been held out of train.

    Raises:
        DataError: the data lack these examples.
    """
    for name, dataset in sorted(data, key=lambda pair: pair[0] != split):
        if (name == "test") != (split == "test"):
            continue
        examples = dataset.take(indices_of(dataset.ids, predictions.ids))
        if np.array_equal(examples.ids, predictions.ids) and np.array_equal(
            examples.labels, predictions.labels
        ):
            return examples
    raise DataError(
        f"{data.name} lacks the predicted examples; give the data that the run was trained on"
    )
