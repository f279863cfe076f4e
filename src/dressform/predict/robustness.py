"""How right a model stays when pictures get worse."""

import functools
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.rng import stream_seed
from dressform.data.corruptions import CORRUPTIONS, corrupt, strengths_of
from dressform.data.dataset import Dataset
from dressform.evaluation.intervals import Estimate, wilson
from dressform.predict.predictor import Predictor

CHUNK = 2000
"""Pictures that are corrupted at a time."""


def robustness(
    predictor: Predictor,
    dataset: Dataset,
    names: Sequence[str] = (),
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, Any]:
    """Accuracy under each corruption at each of its strengths.

    Args:
        predictor: of the model.
        dataset: N examples with the model's classes and size.
        names: of ``CORRUPTIONS``; none means all.
        seed: of the corruptions.
        progress: told how many of the measurements are done.

    Returns:
        ``examples``, ``seed``, ``clean`` (an estimate), ``corruptions`` (name -> strength ->
        estimate) and ``mean``, over corruptions of the mean over their strengths, 0..1.

    Raises:
        DataError: other classes than the model's.
        UnknownNameError: no such corruption.
    """
    if dataset.class_names != predictor.class_names:
        raise DataError(
            f"the pictures have classes {', '.join(dataset.class_names)}, the model "
            f"{', '.join(predictor.class_names)};"
            " give it its own"
        )
    chosen = list(dict.fromkeys(names)) or list(CORRUPTIONS)
    plan = [(name, strength) for name in chosen for strength in strengths_of(name)]

    def estimate(change: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]) -> Estimate:
        right = 0
        for part, start in enumerate(range(0, len(dataset), CHUNK)):
            images = change(dataset.images[start : start + CHUNK], part)
            right += int(
                (
                    predictor.logits(images).argmax(axis=1) == dataset.labels[start : start + CHUNK]
                ).sum()
            )
        return wilson(right, len(dataset))

    found: dict[str, dict[str, Estimate]] = {name: {} for name in chosen}
    for done, (name, strength) in enumerate(plan):
        found[name][str(strength)] = estimate(
            functools.partial(_corrupted, name=name, strength=strength, seed=seed)
        )
        progress(done + 1, len(plan))
    mean = fmean(fmean(e.value for e in strengths.values()) for strengths in found.values())
    return {
        "examples": len(dataset),
        "seed": seed,
        "clean": estimate(lambda images, part: images).to_json(),
        "corruptions": {
            name: {s: e.to_json() for s, e in strengths.items()}
            for name, strengths in found.items()
        },
        "mean": mean,
    }


def _corrupted(
    images: NDArray[np.uint8], part: int, *, name: str, strength: int, seed: int
) -> NDArray[np.uint8]:
    return corrupt(images, name, strength, seed=stream_seed(seed, "part", part))
