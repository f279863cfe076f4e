"""Seeded, stratified hold-outs that keep exact duplicates together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import sha256_bytes
from dressform.core.rng import generator
from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_keys


@dataclass(frozen=True)
class Split:
    """A division of a dataset in two.

    Attributes:
        kept: int64, ascending indices that stay for training.
        held_out: int64, ascending indices that were taken away.
        digest: SHA-256 over the ids on both sides; equal digests mean the same division.
    """

    kept: NDArray[np.int64]
    held_out: NDArray[np.int64]
    digest: str


def hold_out(dataset: Dataset, fraction: float, seed: int) -> Split:
    """Hold a stratified part out.

    Each class gives the same fraction, to the nearest whole example, and keeps at least one. Equal
    images always land on the same side, in the class of the first of them; a group too large for
    its class's share stays.

    Args:
        dataset: what to divide.
        fraction: 0 to 0.9 of the examples; 0 holds nothing out.
        seed: another seed, another division.

    Raises:
        ConfigError: a fraction out of range.
        DataError: so few examples that one side would be empty.
    """
    if not 0 <= fraction <= 0.9:
        raise ConfigError(f"the fraction to hold out is {fraction}; allowed: 0 to 0.9")
    held = np.zeros(len(dataset), dtype=bool)
    if fraction > 0:
        _, first, inverse, sizes = np.unique(
            image_keys(dataset.images), return_index=True, return_inverse=True, return_counts=True
        )
        unit_class = dataset.labels[first]  # a unit is a group of equal images, most often of one
        random = generator(seed, "hold-out")
        chosen = np.zeros(len(first), dtype=bool)
        carry = 0.0
        for label in range(len(dataset.class_names)):
            # Units in order of first appearance, so that the draw depends on the data's order
            # alone.
            units = np.flatnonzero(unit_class == label)
            units = random.permutation(units[np.argsort(first[units])])
            total = int(sizes[units].sum())
            wanted = total * fraction + carry
            rounded = int(np.floor(wanted + 0.5))
            # the next class makes up for the rounding, not for what a large group prevented
            carry = wanted - rounded
            quota = min(rounded, total - 1)  # every class keeps at least one example
            for unit in units.tolist():
                if sizes[unit] <= quota:
                    chosen[unit] = True
                    quota -= int(sizes[unit])
        held = chosen[inverse]
        if not held.any() or held.all():
            raise DataError(
                f"{len(dataset)} examples are too few, or too many of them equal, to hold "
                f"{fraction:.0%} out; add pictures or give"
                " validation and test folders"
            )
    kept, held_out = np.flatnonzero(~held), np.flatnonzero(held)
    digest = sha256_bytes(
        "\0".join(dataset.ids[kept].tolist()).encode(),
        b"\1",
        "\0".join(dataset.ids[held_out].tolist()).encode(),
    )
    return Split(kept.astype(np.int64), held_out.astype(np.int64), digest)
