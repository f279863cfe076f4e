"""Folds for cross-validation: stratified, seeded, exact duplicates together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import sha256_bytes
from dressform.core.rng import generator
from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_keys


@dataclass(frozen=True, eq=False)
class Folds:
    """A division of a dataset into K parts.

    Attributes:
        fold: int64 [N], 0..K-1, the part that each example is judged in.
        digest: SHA-256 over ids and parts; equal digests mean the same folds.
    """

    fold: NDArray[np.int64]
    digest: str

    def training(self, fold: int) -> NDArray[np.int64]:
        """Ascending indices to learn from when ``fold`` is judged."""
        return np.flatnonzero(self.fold != fold).astype(np.int64)

    def judged(self, fold: int) -> NDArray[np.int64]:
        """Ascending indices of ``fold``."""
        return np.flatnonzero(self.fold == fold).astype(np.int64)


def make_folds(dataset: Dataset, folds: int, *, repeat: int = 0, seed: int = 0) -> Folds:
    """Divide a dataset into folds that depend on its examples, K, the repeat and the seed, and on
    no recipe.

    Every class is spread evenly, and equal images always share a fold (in the class of the first of
    them), since a model that learned one of them would be judged on the other. Sizes of folds
    differ by no more than the largest group of equal images.

    Args:
        dataset: what to divide.
        folds: K, 2 to 100.
        repeat: counted from 0; another repeat, another division.
        seed: of the division.

    Raises:
        ConfigError: K out of range.
        DataError: a class with fewer distinct images than folds.
    """
    if not 2 <= folds <= 100:
        raise ConfigError(f"folds is {folds}; allowed: 2 to 100")
    _, first, inverse, sizes = np.unique(
        image_keys(dataset.images), return_index=True, return_inverse=True, return_counts=True
    )
    unit_class = dataset.labels[first]
    random = generator(seed, "folds", folds, repeat)
    unit_fold = np.empty(len(first), dtype=np.int64)
    total = np.zeros(folds, dtype=np.int64)
    for label, name in enumerate(dataset.class_names):
        units = np.flatnonzero(unit_class == label)
        if len(units) < folds:
            raise DataError(
                f"class {name} has {len(units)} different images, fewer than {folds} folds; give "
                f"more pictures or fewer folds"
            )
        # In order of first appearance before the draw, so that it depends on the data's order
        # alone; large groups first.
        units = random.permutation(units[np.argsort(first[units])])
        units = units[np.argsort(-sizes[units], kind="stable")]
        held = np.zeros(folds, dtype=np.int64)
        for unit in units.tolist():
            smallest = min(range(folds), key=lambda k: (held[k], total[k]))
            unit_fold[unit] = smallest
            held[smallest] += sizes[unit]
            total[smallest] += sizes[unit]
    fold = unit_fold[inverse].astype(np.int64)
    return Folds(
        fold, sha256_bytes("\0".join(dataset.ids.tolist()).encode(), fold.astype("<i8").tobytes())
    )
