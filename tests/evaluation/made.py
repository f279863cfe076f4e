"""Predictions made up for tests, and the limits of what chance explains."""

from collections.abc import Sequence

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from dressform.predictions import Predictions

NAMES = tuple("abcdefghijkl")


def made(
    labels: ArrayLike,
    logits: ArrayLike,
    *,
    prefix: str = "test/",
    class_names: tuple[str, ...] | None = None,
    ids: Sequence[str] | None = None,
) -> Predictions:
    """Predictions of examples numbered in order."""
    scores = np.asarray(logits, dtype=np.float32)
    texts = [f"{prefix}{i:05d}" for i in range(len(scores))] if ids is None else ids
    return Predictions(
        np.array(texts),
        np.asarray(labels, dtype=np.int64),
        scores,
        class_names or NAMES[: scores.shape[1]],
    )


def drawn(
    count: int, classes: int = 4, seed: int = 0, *, spread: float = 2.0, colder: float = 1.0
) -> Predictions:
    """Labels drawn from the softmax of normal logits, which are then multiplied by ``colder``: 1 is
    calibrated.
    """
    random = np.random.default_rng(seed)
    logits = random.normal(scale=spread, size=(count, classes))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    return made(labels, colder * logits)


def guessed(count: int, right: int, *, classes: int = 2, sure: float = 3.0) -> Predictions:
    """Of ``count`` examples the first ``right`` are predicted rightly."""
    labels = np.arange(count) % classes
    predicted = np.where(np.arange(count) < right, labels, (labels + 1) % classes)
    return made(labels, sure * np.eye(classes)[predicted])


def chance(level: float, draws: int) -> tuple[float, float]:
    """Between which rates a binomial share stays in 999 of 1,000 simulations."""
    low, high = scipy.stats.binom.ppf([0.0005, 0.9995], draws, level) / draws
    return float(low), float(high)


def assert_uniform(p_values: NDArray[np.float64]) -> None:
    """Rejections at 1, 5 and 10 % are as frequent as chance allows."""
    for level in (0.01, 0.05, 0.10):
        low, high = chance(level, len(p_values))
        assert low <= float((p_values <= level).mean()) <= high, level
