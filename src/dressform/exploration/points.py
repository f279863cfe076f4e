"""`Points`: the examples of a run that are explored together, with their features and
predictions.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError, unknown_name
from dressform.data.catalog import CATALOG
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.source import DataSource, read_data
from dressform.predict.features import Features, logits_of, penultimate, pixels
from dressform.predict.prediction_sets import split_of
from dressform.predictions import Predictions
from dressform.predictions.examples import examples_of
from dressform.runs.manifest import DatasetFacts
from dressform.runs.run import Run

Selection = Literal["test", "validation", "train", "all"]
Embedding = Literal["features", "pixels"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Points:
    """Examples: those of the evaluated split first, then training examples, if any.

    Attributes:
        split: the evaluated split: ``test`` or ``validation``.
        evaluated: its examples.
        training: training examples, or None.
        trained_on: bool [M], which of the training examples the run was trained on; the others were
            held out for validation.
        first: index of the first example that is shown as a point; those before it only supply the
            run's results.
        values: float32 [N, D] of all examples: features of the penultimate layer, or pixels in
            0..1.
        logits: float32 [N, K].
        temperature: of the model's probabilities.
    """

    split: str
    evaluated: Dataset
    training: Dataset | None
    trained_on: NDArray[np.bool_]
    first: int
    values: NDArray[np.float32]
    logits: NDArray[np.float32]
    temperature: float = 1.0

    @property
    def training_predictions(self) -> Predictions | None:
        """The model's predictions of the training examples (in-sample)."""
        if self.training is None:
            return None
        return Predictions(
            self.training.ids,
            self.training.labels,
            self.logits[len(self.evaluated) :],
            self.training.class_names,
            temperature=self.temperature,
        )


def points_of(
    run: Run,
    data: DatasetSplits,
    selection: str = "test",
    embedding: str = "features",
) -> Points:
    """Look up the examples of a run and compute their features.

    Args:
        run: finished.
        data: that it was trained and evaluated on.
        selection: ``test``, ``validation``, ``train``, or ``all``: training and test examples (or
            validation examples if there is no test).
        embedding: ``features`` or ``pixels``.

    Raises:
        UnknownNameError: the selection or embedding is unknown, or the run lacks the split.
        DataError: the data lack the run's examples.
        RunError: the run's network has no features, or is missing.
    """
    for argument, name, allowed in (
        ("split", selection, Selection),
        ("embedding", embedding, Embedding),
    ):
        if name not in get_args(allowed):
            raise unknown_name(argument, name, get_args(allowed))
    with_train = selection in ("train", "all")
    split = split_of(run, None if with_train else selection)
    predictions = run.predictions(split)
    evaluated = examples_of(predictions, data, split)
    training, trained_on = None, np.zeros(0, bool)
    if with_train:
        learned = training_examples(run, data)
        training = data.train if split == "test" else learned
        trained_on = np.isin(training.ids, learned.ids)
    images = (
        evaluated.images
        if training is None
        else np.concatenate([evaluated.images, training.images])
    )
    logger.info(f"computing {embedding} of {len(images):,} images")
    if embedding == "features":
        features = penultimate(run.layout.onnx, images)
    else:
        features = Features(pixels(images), logits_of(run.layout.onnx, images))
    return Points(
        split,
        evaluated,
        training,
        trained_on,
        len(evaluated) if selection == "train" else 0,
        features.values,
        features.logits,
        predictions.temperature,
    )


def data_of(run: Run, data: DataSource | None = None) -> DatasetSplits:
    """The data that a run was trained on, if they have not changed.

    Args:
        run: a run.
        data: where they are now, or the data themselves; default: where they were.

    Raises:
        DressformError: they are missing or have changed.
    """
    dataset = run.manifest.dataset
    try:
        splits = read_data(_place(dataset) if data is None else data, dataset.options)
    except ConfigError as error:
        if data is None:
            raise
        raise ConfigError(
            f"{data} is not what {run.path} was trained on, since it cannot be read like that "
            f"({error})"
        ) from None
    found, trained = {name: d.digest for name, d in splits}, dataset.digests
    if found != trained:
        other = sorted(n for n in {*found, *trained} if found.get(n) != trained.get(n))
        raise ConfigError(
            f"{splits.name} is not what {run.path} was trained on, or has changed since "
            f"({', '.join(other)}: other digests); give the original data with data="
        )
    return splits


def _place(dataset: DatasetFacts) -> str:
    """Where a run's data are: as given, if that is still the same place, else as it was then.

    Raises:
        DataError: they are not there any more.
    """
    location = dataset.location or dataset.source
    if dataset.location is None:
        raise DataError(
            f"the run was trained on data in memory, called {dataset.source}; give them with "
            f"data=, or train on a file, such as an NPZ"
        )
    if location in CATALOG or Path(location).exists():
        return location
    if Path(dataset.source).exists():
        return dataset.source
    raise DataError(f"{location} is gone, with which the run was trained; name the data with data=")


def training_examples(run: Run, data: DatasetSplits) -> Dataset:
    """The examples that a run was trained on: train without the validation examples that were held
    out of it.
    """
    if data.validation is not None or not run.layout.predictions("validation").exists():
        return data.train
    remaining = np.flatnonzero(~np.isin(data.train.ids, run.predictions("validation").ids))
    return data.train if len(remaining) == len(data.train) else data.train.take(remaining)
