"""Seeded, stratified hold-outs that keep exact duplicates together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import sha256_bytes
from dressform.core.rng import generator
from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_hashes


@dataclass(frozen=True)
class HoldOut:
    """A split of a dataset into two parts.

    Attributes:
        train_indices: int64, ascending indices that stay for training.
        held_out_indices: int64, ascending indices of the rest.
        digest: SHA-256 over the ids of both parts; equal digests mean equal splits.
    """

    train_indices: NDArray[np.int64]
    held_out_indices: NDArray[np.int64]
    digest: str


def hold_out(dataset: Dataset, fraction: float, seed: int) -> HoldOut:
    """Hold out a stratified part of a dataset.

    The same fraction of every class is held out, to the nearest whole example, and at least one
    example stays. Equal images always stay together, under the class of the first of them; a group
    too large for its class's quota is not held out.

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
    held_out = np.zeros(len(dataset), dtype=bool)
    if fraction > 0:
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
        held_out = group_held_out[inverse]
        if not held_out.any() or held_out.all():
            raise DataError(
                f"{len(dataset)} examples are too few, or too many of them are equal, to hold out "
                f"{fraction:.0%}; add images or give validation and test folders"
            )
    train_indices, held_out_indices = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    digest = sha256_bytes(
        "\0".join(dataset.ids[train_indices].tolist()).encode(),
        b"\1",
        "\0".join(dataset.ids[held_out_indices].tolist()).encode(),
    )
    return HoldOut(train_indices.astype(np.int64), held_out_indices.astype(np.int64), digest)
