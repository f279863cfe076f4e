"""Planted near duplicates among real pictures."""

import numpy as np
import pytest

from dressform.data.dataset import DatasetSplits
from dressform.exploration.near_duplicates import near_duplicates


def shifted(picture: np.ndarray, down: int, across: int) -> np.ndarray:
    out = np.zeros_like(picture)
    height, width = picture.shape[:2]
    out[max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)] = picture[
        max(0, -down) : height + min(0, -down), max(0, -across) : width + min(0, -across)
    ]
    return out


CHANGES = {
    "equal": lambda p: p,
    "up": lambda p: shifted(p, -1, 0),
    "right": lambda p: shifted(p, 0, 1),
    "aslant": lambda p: shifted(p, 1, -1),
    "brighter": lambda p: np.minimum(255, p * 1.3).astype(np.uint8),
    "veiled": lambda p: np.minimum(255, p.astype(int) + 30).astype(np.uint8),
    "darker": lambda p: (p * 0.7).astype(np.uint8),
    "mirrored": lambda p: p[:, ::-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_planted_one_is_found(fashion: DatasetSplits, change: str) -> None:
    images = fashion.train.images[:1000]
    copies = np.stack([CHANGES[change](p) for p in images[:100]])
    duplicates = near_duplicates(np.concatenate([images, copies]))
    pairs = {tuple(pair) for pair in duplicates.pairs.tolist()}
    assert {(i, 1000 + i) for i in range(100)} <= pairs
    assert len(pairs) < 160  # the pictures have few of their own
    assert (np.diff(duplicates.similarity) <= 0).all()
    assert len(pairs) == len(duplicates.pairs)
    if change == "mirrored":
        asymmetric = [
            i for i in range(100) if np.abs(images[i].astype(int) - images[i][:, ::-1]).mean() > 25
        ]
        flagged = {tuple(pair) for pair in duplicates.pairs[duplicates.mirrored].tolist()}
        assert asymmetric
        assert {(i, 1000 + i) for i in asymmetric} <= flagged


def test_colour_pictures_and_odd_sides() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (60, 9, 7, 3)).astype(np.uint8)
    images[59] = images[3]
    duplicates = near_duplicates(images)
    assert duplicates.pairs.tolist() == [[3, 59]]
    assert duplicates.similarity[0] == pytest.approx(1, abs=1e-5)


def test_nothing_alike_gives_nothing() -> None:
    images = np.random.default_rng(1).integers(0, 255, (40, 8, 8, 1)).astype(np.uint8)
    assert near_duplicates(images).pairs.shape == (0, 2)


def test_blank_pictures_are_duplicates_of_the_first_of_their_colour() -> None:
    images = np.random.default_rng(1).integers(0, 255, (7, 8, 8, 3)).astype(np.uint8)
    images[[1, 3, 6]] = 0
    images[[2, 4]] = (9, 0, 0)
    assert near_duplicates(images).pairs.tolist() == [[1, 3], [1, 6], [2, 4]]
