"""Folds for cross-validation: stratified, seeded, groups and exact duplicates together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.arguments import whole_number
from dressform.core.errors import DataError
from dressform.core.files import sha256_bytes
from dressform.core.rng import generator
from dressform.data.allocation import allocate
from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_hashes
from dressform.data.groups import class_counts, inseparable


@dataclass(frozen=True, eq=False)
class Folds:
    """A split of a dataset into K folds.

    Attributes:
        fold: int64 [N], 0..K-1, the fold in which each example is tested.
        digest: SHA-256 over ids and folds; equal digests mean equal folds.
        notes: remarks for the user, one line each.
    """

    fold: NDArray[np.int64]
    digest: str
    notes: tuple[str, ...] = ()

    def train_indices(self, fold: int) -> NDArray[np.int64]:
        """Training indices, ascending, when ``fold`` is tested."""
        return np.flatnonzero(self.fold != fold).astype(np.int64)

    def test_indices(self, fold: int) -> NDArray[np.int64]:
        """Test indices of ``fold``, ascending."""
        return np.flatnonzero(self.fold == fold).astype(np.int64)


def make_folds(dataset: Dataset, folds: int, *, repeat: int = 0, seed: int = 0) -> Folds:
    """Split a dataset into folds that depend on its examples, K, the repeat and the seed, but on no
    recipe.

    Folds are stratified, and equal images always share a fold (under the class of the first of
    them): a model trained on one of them must not be tested on another. Fold sizes differ by at
    most the size of the largest group of equal images.

    If the dataset has groups, all examples of a group share a fold, with all images that equal one
    of its own. Class fractions and sizes are then as even as the groups allow, in the sense of
    scikit-learn's StratifiedGroupKFold.

    Args:
        dataset: to split.
        folds: K, 2 to 100.
        repeat: counted from 0; each repeat gives another split.
        seed: of the split.

    Raises:
        ConfigError: K out of range.
        DataError: a class with fewer distinct images, or in fewer groups, than folds.
    """
    folds = whole_number("folds", folds, least=2, most=100)
    rng, notes = generator(seed, "folds", folds, repeat), tuple[str, ...]()
    if dataset.groups is None:
        fold = _without_groups(dataset, folds, rng)
    else:
        fold, notes = _with_groups(dataset, folds, rng)
    digest = sha256_bytes("\0".join(dataset.ids.tolist()).encode(), fold.astype("<i8").tobytes())
    return Folds(fold, digest, notes)


def _without_groups(dataset: Dataset, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each example, class by class."""
    _, first, inverse, sizes = np.unique(
        image_hashes(dataset.images), return_index=True, return_inverse=True, return_counts=True
    )
    group_class = dataset.labels[first]
    group_fold = np.empty(len(first), dtype=np.int64)
    fold_sizes = np.zeros(folds, dtype=np.int64)
    for label, name in enumerate(dataset.class_names):
        groups = np.flatnonzero(group_class == label)
        if len(groups) < folds:
            raise DataError(
                f"class {name} has {len(groups)} different images, fewer than {folds} folds; give "
                f"more images or fewer folds"
            )
        # In order of first appearance before the draw, so that it depends on the data's order
        # alone; large groups first.
        groups = rng.permutation(groups[np.argsort(first[groups])])
        groups = groups[np.argsort(-sizes[groups], kind="stable")]
        class_sizes = np.zeros(folds, dtype=np.int64)
        for group in groups.tolist():
            smallest = min(range(folds), key=lambda k: (class_sizes[k], fold_sizes[k]))
            group_fold[group] = smallest
            class_sizes[smallest] += sizes[group]
            fold_sizes[smallest] += sizes[group]
    return group_fold[inverse].astype(np.int64)


def _with_groups(
    dataset: Dataset, folds: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The fold of each example, and notes on what the groups prevent."""
    unit = inseparable(dataset)
    counts = class_counts(unit, dataset.labels, len(dataset.class_names))
    for label, name in enumerate(dataset.class_names):
        groups = int((counts[:, label] > 0).sum())
        if groups < folds:
            raise DataError(
                f"class {name} is in {groups} group{'s' * (groups != 1)}, fewer than {folds} "
                f"folds; give images of other groups, fewer folds, or leave the class out"
            )
    part = allocate(counts, np.full(folds, 1 / folds), rng)
    by_fold = np.zeros((folds, counts.shape[1]), dtype=np.int64)
    np.add.at(by_fold, part, counts)
    alone = np.flatnonzero((by_fold > 0).sum(axis=0) == 1)
    if len(alone):
        raise DataError(
            f"the groups of class {dataset.class_names[alone[0]]} fill one fold only, so a "
            f"network would be tested on a class that it has not seen; give smaller groups, fewer "
            f"folds, or leave the class out"
        )
    missing = [
        f"fold {fold} has no example of "
        + ", ".join(dataset.class_names[k] for k in np.flatnonzero(by_fold[fold] == 0))
        for fold in np.flatnonzero((by_fold == 0).any(axis=1)).tolist()
    ]
    return part[unit], tuple(missing)
