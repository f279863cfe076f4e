"""Recognise well-known files by checksums of their decompressed bytes, and known mix-ups among
them.

Two mix-ups are common among users of Fashion-MNIST: a URL or shared cache folder that provides
MNIST under the same four file names, and copies made before the files were corrected on 2017-08-31
(https://github.com/zalandoresearch/fashion-mnist/issues/44).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import MistakenDataError

FASHION_MNIST = {
    "train-images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""SHA-256 of Fashion-MNIST's four files, decompressed, as published since 2017-08-31."""

FASHION_MNIST_TRAIN_FINGERPRINT = "60000-ac2057b791fd3248"
"""`data.duplicates.fingerprint` of the training images and labels, the same in every file format
and order.
"""

FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

MNIST = {
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db": "MNIST's training images",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5": "MNIST's training labels",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7": "MNIST's test images",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2": "MNIST's test labels",
}

# Label counts of MNIST's files (Fashion-MNIST has exactly 6,000 or 1,000 of each class): they
# recognise MNIST in formats whose bytes are not IDX, such as CSV.
_MNIST_COUNTS = (
    (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
)

RECUT_PAIRS_IN_TRAIN = 43
RECUT_OVERLAPS = 10


def refuse_mnist(sha256: str, path: Path) -> None:
    """Raise a :class:`MistakenDataError` if the checksum is that of an MNIST file."""
    if sha256 in MNIST:
        raise _mnist_error(f"{path} is {MNIST[sha256]} (handwritten digits)")


def refuse_mnist_counts(labels: NDArray[np.int64], image_shape: Sequence[int], path: Path) -> None:
    """Raise a :class:`MistakenDataError` if images of 28 x 28 have MNIST's label counts."""
    if (
        tuple(image_shape[:2]) == (28, 28)
        and tuple(np.bincount(labels, minlength=10)) in _MNIST_COUNTS
    ):
        raise _mnist_error(f"{path} has exactly the label counts of MNIST (handwritten digits)")


def _mnist_error(problem: str) -> MistakenDataError:
    return MistakenDataError(
        f"{problem}, not Fashion-MNIST, although the file names are the same; use "
        f"fashion-mnist, which is bundled with dressform"
    )


def is_before_recut(duplicate_pairs: int, overlaps: int, train_size: int, test_size: int) -> bool:
    """Whether duplicate counts match Fashion-MNIST's files from before 2017-08-31.

    Args:
        duplicate_pairs: pairs of equal images within train.
        overlaps: train images that are also in test.
        train_size: examples in train.
        test_size: examples in test.
    """
    return (duplicate_pairs, overlaps, train_size, test_size) == (
        RECUT_PAIRS_IN_TRAIN,
        RECUT_OVERLAPS,
        60_000,
        10_000,
    )
