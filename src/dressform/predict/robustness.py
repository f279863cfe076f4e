"""`robustness`: accuracy under image corruptions."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, table
from dressform.core.errors import DataError
from dressform.core.numbers import percent
from dressform.core.rng import stream_seed
from dressform.data.corruptions import CORRUPTIONS, corrupt, severities_of
from dressform.data.dataset import Dataset
from dressform.evaluation.clusters import numbered, proportion
from dressform.evaluation.intervals import Estimate
from dressform.predict.predictor import Predictor

BATCH_SIZE = 2000
"""Images that are corrupted at a time."""


@dataclass(frozen=True)
class Robustness:
    """Accuracy under corruptions.

    Attributes:
        examples: number of examples.
        seed: of the corruptions.
        clean: accuracy without corruption.
        corruptions: name -> severity -> accuracy.
        mean: over corruptions, of the mean over their severities, 0..1.
    """

    examples: int
    seed: int
    clean: Estimate
    corruptions: dict[str, dict[str, Estimate]]
    mean: float

    def __repr__(self) -> str:
        return brief(
            self,
            f"accuracy {percent(self.clean.value)} clean",
            f"{percent(self.mean)} under {len(self.corruptions)} corruptions",
            f"{self.examples:,} examples",
        )

    def _repr_html_(self) -> str:
        severities = list(dict.fromkeys(s for row in self.corruptions.values() for s in row))
        rows = [["none", percent(self.clean.value)] + [""] * (len(severities) - 1)]
        rows += [
            [name, *(percent(row[s].value) if s in row else "" for s in severities)]
            for name, row in self.corruptions.items()
        ]
        return table(["corruption", *(f"severity {s}" for s in severities)], rows)

    def to_json(self) -> dict[str, Any]:
        """The document printed by ``dressform robustness --json``."""
        return asdict(self)


def robustness(
    predictor: Predictor,
    dataset: Dataset,
    names: Sequence[str] = (),
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Robustness:
    """Measure accuracy under each corruption at each of its severities.

    Args:
        predictor: of the model.
        dataset: N examples with the model's classes and size.
        names: of ``CORRUPTIONS``; default: all.
        seed: of the corruptions.
        progress: called with the numbers of finished and of all measurements.

    Raises:
        DataError: the classes differ from the model's.
        UnknownNameError: there is no such corruption.
    """
    if dataset.class_names != predictor.class_names:
        raise DataError(
            f"the images have classes {', '.join(dataset.class_names)}, the model "
            f"{', '.join(predictor.class_names)}; give the model's own data"
        )
    selected = list(dict.fromkeys(names)) or list(CORRUPTIONS)
    plan = [(name, severity) for name in selected for severity in severities_of(name)]

    groups = None if dataset.groups is None else numbered(dataset.groups)

    def accuracy(change: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]) -> Estimate:
        correct = np.zeros(len(dataset), np.bool_)
        for part, start in enumerate(range(0, len(dataset), BATCH_SIZE)):
            batch = slice(start, start + BATCH_SIZE)
            logits = predictor.logits(change(dataset.images[batch], part))
            correct[batch] = logits.argmax(axis=1) == dataset.labels[batch]
        return proportion(correct, groups)

    corruptions: dict[str, dict[str, Estimate]] = {name: {} for name in selected}
    for done, (name, severity) in enumerate(plan, 1):
        corruptions[name][str(severity)] = accuracy(
            functools.partial(_corrupted, name=name, severity=severity, seed=seed)
        )
        progress(done, len(plan))
    return Robustness(
        examples=len(dataset),
        seed=seed,
        clean=accuracy(lambda images, part: images),
        corruptions=corruptions,
        mean=fmean(fmean(e.value for e in by.values()) for by in corruptions.values()),
    )


def _corrupted(
    images: NDArray[np.uint8], part: int, *, name: str, severity: int, seed: int
) -> NDArray[np.uint8]:
    return corrupt(images, name, severity, seed=stream_seed(seed, "part", part))
