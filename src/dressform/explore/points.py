"""`Points`: the pictures of a run that are looked at together, with their features and what the
run's model says of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, unknown_name
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.source import load_data
from dressform.predict.features import penultimate, pixels
from dressform.predict.prediction_sets import split_of
from dressform.predictions import Predictions
from dressform.predictions.examples import examples_of
from dressform.runs.run import Run

Selection = Literal["test", "validation", "train", "all"]
Embedding = Literal["features", "pixels"]


@dataclass(frozen=True, eq=False)
class Points:
    """Pictures: first those of a split that the model was judged on, then perhaps training
    pictures.

    Attributes:
        split: the run's name of the judged split: ``test`` or ``val``.
        judged: its examples.
        others: training examples, or None.
        learned: bool [M], which of the others the run learned from; the rest was held out for
            validation.
        first: number of the first picture that is a point: those before it are there for the run's
            results only.
        values: float32 [N, D] of all pictures: features of the penultimate layer, or pixels in
            0..1.
        logits: float32 [N, K].
    """

    split: str
    judged: Dataset
    others: Dataset | None
    learned: NDArray[np.bool_]
    first: int
    values: NDArray[np.float32]
    logits: NDArray[np.float32]

    @property
    def others_predictions(self) -> Predictions | None:
        """What the model says of the training examples, from which it learned."""
        if self.others is None:
            return None
        return Predictions(
            self.others.ids,
            self.others.labels,
            self.logits[len(self.judged) :],
            self.others.class_names,
        )


def points_of(
    run: Run,
    data: DatasetSplits,
    selection: str = "test",
    embedding: str = "features",
    *,
    say: Callable[[str], object] = lambda line: None,
) -> Points:
    """Look up the pictures of a run and compute their features.

    Args:
        run: finished.
        data: what it was trained and judged on.
        selection: ``test``, ``validation``, ``train``, or ``all``: training pictures and those of
            test (of validation, where there is no test).
        embedding: ``features`` or ``pixels``.
        say: called with a line before what takes long.

    Raises:
        UnknownNameError: another selection or embedding, or a split that the run does not have.
        DataError: the data do not have the run's examples.
        RunError: the run's network has no features, or is missing.
    """
    for what, name, known in (("split", selection, Selection), ("embedding", embedding, Embedding)):
        if name not in get_args(known):
            raise unknown_name(what, name, get_args(known))
    with_train = selection in ("train", "all")
    split = split_of(run, None if with_train else selection)
    judged = examples_of(run.predictions(split), data, split)
    others = None
    if with_train:
        others = data.train if split == "test" else learned_from(run, data)
    images = judged.images if others is None else np.concatenate([judged.images, others.images])
    say(f"features of {len(images):,} pictures")
    features = penultimate(run.layout.onnx, images)
    values = features.values if embedding == "features" else pixels(images)
    learned = (
        np.zeros(0, bool) if others is None else np.isin(others.ids, learned_from(run, data).ids)
    )
    return Points(
        split,
        judged,
        others,
        learned,
        len(judged) if selection == "train" else 0,
        values,
        features.logits,
    )


def data_of(run: Run) -> DatasetSplits:
    """The data that a run learned from, if they are still what they were.

    Raises:
        DressformError: they are gone or changed.
    """
    dataset = run.manifest.dataset
    splits = load_data(dataset.source, image_size=dataset.image_size)
    if {name: d.digest for name, d in splits} != dataset.digests:
        raise ConfigError(
            f"{splits.name} is not what {run.path} learned from any more; give the same data with "
            f"--data"
        )
    return splits


def learned_from(run: Run, data: DatasetSplits) -> Dataset:
    """The training pictures that a run learned from: its validation pictures may have been held out
    of them.
    """
    if data.validation is not None or not run.layout.predictions("validation").exists():
        return data.train
    kept = np.flatnonzero(~np.isin(data.train.ids, run.predictions("validation").ids))
    return data.train if len(kept) == len(data.train) else data.train.take(kept)
