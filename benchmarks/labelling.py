"""How many labels a model needs if the most useful images are labelled first, against random order.

    python benchmarks/labelling.py PHOTOS [--image-size 128] [--draws 5] [--batch 25]

A simulation on labelled photos: a few random images of each class are labelled, a linear probe on
frozen EfficientNet-Lite0 features learns from them, the next batch is chosen by each way and gets
its true labels, and so on. Accuracy is that on the validation images, which nobody chooses from.
The orders are those of dressform.service.suggest: ``suggested`` is what the service shows, the
others are parts of it.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from report import write_report
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

import dressform
from dressform.core.config import override
from dressform.models.network import build_network
from dressform.models.transfer import Transfer
from dressform.recipes import find_recipe
from dressform.service.suggest import usefulness

FIRST = 3
"""Images of each class with which labelling begins."""
TARGETS = (0.9, 0.95, 0.98)
"""Fractions of the accuracy with all labels."""
DIMENSIONS, BATCH = 128, 64
Order = Callable[
    [NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], np.random.Generator],
    NDArray[np.float64],
]
"""Probabilities and features of unlabelled images, features of labelled ones -> usefulness."""


def _margin(probabilities: NDArray[np.float32], *_: object) -> NDArray[np.float64]:
    two = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(1.0 - (two[:, 1] - two[:, 0]), np.float64)


def _unlike(
    probabilities: NDArray[np.float32],
    features: NDArray[np.float32],
    labelled: NDArray[np.float32],
    _: object,
) -> NDArray[np.float64]:
    even = np.full_like(probabilities, 1.0 / probabilities.shape[1])
    return usefulness(even, features, labelled)


def _suggested(
    probabilities: NDArray[np.float32],
    features: NDArray[np.float32],
    labelled: NDArray[np.float32],
    _: object,
) -> NDArray[np.float64]:
    return usefulness(probabilities, features, labelled)


WAYS: dict[str, Order] = {
    "random": lambda probabilities, features, labelled, rng: rng.random(len(probabilities)),
    "margin": _margin,
    "unlike the labelled": _unlike,
    "suggested": _suggested,
}


def features_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features [N, D] of images, uint8 [N, H, W, 3], by the frozen backbone."""
    recipe = override(find_recipe("transfer-efficientnet-lite0"), ["model.frozen=9"])
    height, width, channels = images.shape[1:]
    network = build_network(recipe.model, (height, width, channels), 2)
    assert isinstance(network, Transfer)
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            pixels = torch.tensor(images[start : start + BATCH]).permute(0, 3, 1, 2) / 255
            found = network.backbone(pixels)
            rows.append((found.mean((2, 3)) if found.ndim == 4 else found).numpy())
    return np.concatenate(rows)


def probe(features: NDArray[np.float32], labels: NDArray[np.int64]) -> LogisticRegression:
    """A linear probe."""
    return LogisticRegression(C=1.0, max_iter=300, tol=1e-3).fit(features, labels)


@dataclass(frozen=True)
class Photos:
    """Features and labels: what may be labelled, and what accuracy is measured on."""

    pool: NDArray[np.float32]
    labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def simulate(
    photos: Photos, order: Order, *, batch: int, most: int, seed: int
) -> list[tuple[int, float]]:
    """Number of labels, and accuracy with them, batch by batch."""
    rng = np.random.default_rng(seed)
    known = np.concatenate(
        [
            rng.choice(np.flatnonzero(photos.labels == label), FIRST, replace=False)
            for label in np.unique(photos.labels)
        ]
    )
    curve = []
    while True:
        model = probe(photos.pool[known], photos.labels[known])
        curve.append((len(known), float(model.score(photos.test, photos.test_labels))))
        if len(known) >= most:
            return curve
        rest = np.setdiff1d(np.arange(len(photos.pool)), known)
        probabilities = model.predict_proba(photos.pool[rest]).astype(np.float32)
        useful = order(probabilities, photos.pool[rest], photos.pool[known], rng)
        known = np.concatenate([known, rest[np.argsort(-useful, kind="stable")[:batch]]])


def needed(curve: list[tuple[int, float]], accuracy: float) -> float:
    """Labels from which on the accuracy is reached, interpolated between batches; the last number
    of labels where it is not.
    """
    (count, reached), *rest = curve
    for more, better in rest:
        if reached >= accuracy:
            return float(count)
        if better >= accuracy:
            return count + (more - count) * (accuracy - reached) / (better - reached)
        count, reached = more, better
    return float(count)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="class folders below train and validation")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--ways", default=",".join(WAYS))
    given = parser.parse_args()
    data = dressform.load_data(given.photos, image_size=given.image_size)
    assert data.validation is not None
    pool, test = features_of(data.train.images), features_of(data.validation.images)
    narrow = PCA(DIMENSIONS, random_state=0).fit(pool)
    scale = float(np.sqrt(narrow.explained_variance_.sum()))
    photos = Photos(
        (narrow.transform(pool) / scale * 10).astype(np.float32),
        np.asarray(data.train.labels, np.int64),
        (narrow.transform(test) / scale * 10).astype(np.float32),
        np.asarray(data.validation.labels, np.int64),
    )
    whole = float(probe(photos.pool, photos.labels).score(photos.test, photos.test_labels))
    print(f"{len(pool):,} photos, all labelled: {100 * whole:.2f} % of {len(test):,}")
    results: dict[str, Any] = {"photos": len(pool), "test": len(test), "all_labels": whole}
    for name in given.ways.split(","):
        curves = [
            simulate(photos, WAYS[name], batch=given.batch, most=given.most, seed=seed)
            for seed in range(given.draws)
        ]
        results[name] = {"curves": curves}
        for target in TARGETS:
            counts = [needed(curve, target * whole) for curve in curves]
            results[name][f"labels_for_{target:g}"] = counts
            spread = stdev(counts) if len(counts) > 1 else 0.0
            print(f"{name:20} {100 * target:3.0f} %: {mean(counts):6.0f} +- {spread:4.0f} labels")
    write_report("labelling", " ".join(["python benchmarks/labelling.py", *sys.argv[1:]]), results)


if __name__ == "__main__":
    main()
