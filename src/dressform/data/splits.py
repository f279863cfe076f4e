"""Seeded, stratified hold-outs that keep groups and exact duplicates together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import sha256_bytes
from dressform.core.rng import generator
from dressform.data.allocation import allocate
from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_hashes
from dressform.data.groups import class_counts, inseparable


@dataclass(frozen=True)
class HoldOut:
    """A split of a dataset into two parts.

    Attributes:
        train_indices: int64, ascending indices that stay for training.
        held_out_indices: int64, ascending indices of the rest.
        digest: SHA-256 over the ids of both parts; equal digests mean equal splits.
        notes: remarks for the user, one line each.
    """

    train_indices: NDArray[np.int64]
    held_out_indices: NDArray[np.int64]
    digest: str
    notes: tuple[str, ...] = ()


def hold_out(dataset: Dataset, fraction: float, seed: int) -> HoldOut:
    """Hold out a stratified part of a dataset.

    The same fraction of every class is held out, to the nearest whole example, and at least one
    example stays. Equal images always stay together, under the class of the first of them; a group
    of them too large for its class's quota is not held out.

    If the dataset has groups, each of them stays on one side, with all images that equal one of its
    own. The fractions are then as close as the groups allow, over all classes and sizes together.

    Args:
        dataset: to split.
        fraction: 0 to 0.9 of the examples; 0 holds out nothing.
        seed: each seed gives another split.

    Raises:
        ConfigError: the fraction is out of range.
        DataError: there are so few examples that one part would be empty.
    """
    if not 0 <= fraction <= 0.9:
        raise ConfigError(f"the fraction to hold out is {fraction}; allowed: 0 to 0.9")
    held_out, notes = np.zeros(len(dataset), dtype=bool), tuple[str, ...]()
    if fraction > 0 and dataset.groups is None:
        held_out = _without_groups(dataset, fraction, seed)
        if not held_out.any() or held_out.all():
            raise DataError(
                f"{len(dataset)} examples are too few, or too many of them are equal, to hold out "
                f"{fraction:.0%}; add images or give validation and test folders"
            )
    elif fraction > 0:
        held_out, notes = _with_groups(dataset, fraction, seed)
    train_indices, held_out_indices = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    digest = sha256_bytes(
        "\0".join(dataset.ids[train_indices].tolist()).encode(),
        b"\1",
        "\0".join(dataset.ids[held_out_indices].tolist()).encode(),
    )
    return HoldOut(train_indices.astype(np.int64), held_out_indices.astype(np.int64), digest, notes)


def _without_groups(dataset: Dataset, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Whether each example is held out, class by class."""
    _, first, inverse, sizes = np.unique(
        image_hashes(dataset.images), return_index=True, return_inverse=True, return_counts=True
    )
    group_class = dataset.labels[first]  # a group holds equal images, usually just one
    rng = generator(seed, "hold-out")
    group_held_out = np.zeros(len(first), dtype=bool)
    carry = 0.0
    for label in range(len(dataset.class_names)):
        # Units in order of first appearance, so that the draw depends on the data's order
        # alone.
        groups = np.flatnonzero(group_class == label)
        groups = rng.permutation(groups[np.argsort(first[groups])])
        total = int(sizes[groups].sum())
        target = total * fraction + carry
        rounded = int(np.floor(target + 0.5))
        # the next class compensates for rounding, but not for what a large group prevented
        carry = target - rounded
        quota = min(rounded, total - 1)  # every class keeps at least one example
        for group in groups.tolist():
            if sizes[group] <= quota:
                group_held_out[group] = True
                quota -= int(sizes[group])
    return group_held_out[inverse]


def _with_groups(
    dataset: Dataset, fraction: float, seed: int
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Whether each example is held out, and notes on what the groups prevent."""
    unit = inseparable(dataset)
    counts = class_counts(unit, dataset.labels, len(dataset.class_names))
    parts = np.array([1 - fraction, fraction])
    rng = generator(seed, "hold-out", "groups")
    held_out = allocate(counts, parts, rng) == 1
    notes = list[str]()
    if not held_out.any() and (smallest := _smallest(counts, rng)) is not None:
        held_out[smallest] = True
        size, total = int(counts[smallest].sum()), len(dataset)
        notes.append(
            f"no fewer than {size:,} of {total:,} examples ({size / total:.0%}) could be held out, "
            f"a whole group, where {fraction:.0%} were requested"
        )
    if not held_out.any():
        raise DataError(
            f"{len(counts)} groups of {counts.sum(axis=1).min():,} to "
            f"{counts.sum(axis=1).max():,} examples are too few or too large to hold out "
            f"{fraction:.0%}; give smaller groups, or validation and test splits of your own"
        )
    missing = [
        f"{name} is in a single group"
        if (counts[:, label] > 0).sum() == 1
        else f"the groups of {name} are too large"
        for label, name in enumerate(dataset.class_names)
        if counts[:, label].any() and not counts[held_out, label].any()
    ]
    if missing:
        notes.append(f"nothing was held out of some classes: {'; '.join(missing)}")
    return held_out[unit], tuple(notes)


def _smallest(counts: NDArray[np.int64], rng: np.random.Generator) -> int | None:
    """One of the smallest groups without which every class keeps examples and half of all remain;
    None if there is none.
    """
    total = counts.sum(axis=0)
    sizes = counts.sum(axis=1)
    whole = ((counts == total) & (total > 0)).any(axis=1)
    possible = np.flatnonzero(~whole & (2 * sizes <= total.sum()))
    if not len(possible):
        return None
    return int(rng.choice(possible[sizes[possible] == sizes[possible].min()]))
