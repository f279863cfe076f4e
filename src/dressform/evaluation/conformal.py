"""Conformal prediction: sets of classes that contain the true one with a requested probability.

Split conformal prediction (Vovk et al. 2005): the threshold is a quantile of scores on examples
that the model was not trained on; for exchangeable new examples the set contains the true class
with a probability of at least 1 - alpha.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.rng import generator
from dressform.evaluation.calibration import with_temperature
from dressform.evaluation.clusters import numbered, proportion
from dressform.evaluation.intervals import Estimate
from dressform.predictions import Predictions

Method = Literal["lac", "aps", "raps"]
METHODS: tuple[Method, ...] = ("lac", "aps", "raps")


@dataclass(frozen=True, kw_only=True)
class Raps:
    """RAPS's penalty on large sets.

    Attributes:
        penalty: added for each class beyond the first ``k_reg`` ones (lambda in the paper).
        k_reg: number of classes without a penalty.
    """

    penalty: float = 0.1
    k_reg: int = 1


def conformal_scores(
    probabilities: NDArray[np.float64], method: Method, *, seed: int = 0, raps: Raps | None = None
) -> NDArray[np.float64]:
    """Nonconformity of each class, float64 [N, K]; higher means less plausible.

    ``lac``: 1 - p (Sadinle, Lei & Wasserman 2019): the smallest sets on average, some of which may
    be empty. ``aps``: the probability of all more likely classes plus a random fraction of its own
    (Romano, Sesia & Candès 2020); sets grow with the difficulty of the example. ``raps``: the same
    with a penalty on the rank (Angelopoulos et al. 2021), which avoids very large sets.

    Args:
        probabilities: float64 [N, K].
        method: see above.
        seed: of the random fractions.
        raps: the penalty; default weight 0.1 beyond one class.
    """
    if method == "lac":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    uniform = generator(seed, "conformal").random((len(probabilities), 1))
    nonconformity = np.cumsum(ordered, axis=1) - ordered + uniform * ordered
    if method == "raps":
        raps = raps or Raps()
        nonconformity += raps.penalty * np.maximum(
            0, np.arange(1, probabilities.shape[1] + 1) - raps.k_reg
        )
    scores = np.empty_like(nonconformity)
    np.put_along_axis(scores, order, nonconformity, axis=1)
    return scores


def conformal_threshold(
    scores: NDArray[np.float64], labels: NDArray[np.int64], alpha: float
) -> float:
    """The ceil((n + 1) (1 - alpha))-th smallest score of the true classes; infinite if n is too
    small for alpha.

    Args:
        scores: float64 [n, K], of examples that the model was not trained on.
        labels: int64 [n].
        alpha: fraction of sets that may miss the true class, between 0 and 1.
    """
    true = np.sort(scores[np.arange(len(labels)), labels])
    # The small number undoes the rounding error of 1 - alpha, which would otherwise move a whole
    # rank.
    rank = math.ceil((len(true) + 1) * (1 - alpha) - 1e-9)
    return math.inf if rank > len(true) else float(true[rank - 1])


@dataclass(frozen=True)
class ConformalResult:
    """Quality of prediction sets on examples used neither for training nor for the threshold.

    Attributes:
        method: ``lac``, ``aps`` or ``raps``.
        alpha: nominal miscoverage.
        coverage: fraction of sets that contain the true class, Wilson interval.
        worst_class: the class with the lowest coverage.
        worst_coverage: its coverage, 0..1.
        classes_below: those whose coverage is significantly below 1 - alpha (the upper end of
            Wilson's interval, at 5 % for all classes together by Bonferroni), in the order of the
            classes; the thresholds keep it over all classes only.
        mean_size: mean number of classes per set.
        empty: fraction of empty sets.
        singletons: fraction of sets with one class.
        threshold: mean over parts if there are several.
    """

    method: Method
    alpha: float
    coverage: Estimate
    worst_class: str
    worst_coverage: float
    classes_below: tuple[str, ...]
    mean_size: float
    empty: float
    singletons: float
    threshold: float


def conformal_sets(
    predictions: Predictions,
    parts: NDArray[np.int64],
    method: Method,
    alpha: float,
    *,
    temperatures: Sequence[float] | None = None,
) -> tuple[NDArray[np.bool_], list[float]]:
    """Prediction sets, bool [N, K], each part with the threshold of the other parts; and the
    thresholds.

    Args:
        predictions: N examples that the model was not trained on.
        parts: int64 [N], 0..P-1 with P at least 2.
        method: see :func:`conformal_scores`.
        alpha: nominal miscoverage.
        temperatures: P of them, each fitted on the other parts. A part's threshold uses its own
            temperature, since the other parts' temperatures were fitted on it.
    """
    sets, thresholds = np.zeros(predictions.logits.shape, dtype=bool), []
    for part in range(int(parts.max()) + 1):
        in_part = parts == part
        scaled = (
            predictions
            if temperatures is None
            else with_temperature(predictions, temperatures[part])
        )
        scores = conformal_scores(scaled.probabilities, method)
        threshold = conformal_threshold(scores[~in_part], predictions.labels[~in_part], alpha)
        thresholds.append(threshold)
        sets[in_part] = scores[in_part] <= threshold
    return sets, thresholds


def evaluate_sets(
    sets: NDArray[np.bool_],
    predictions: Predictions,
    method: Method,
    *,
    alpha: float,
    threshold: float,
) -> ConformalResult:
    """Coverage and size of prediction sets [N, K] for the examples of ``predictions``."""
    labels = predictions.labels
    covered, sizes = sets[np.arange(len(labels)), labels], sets.sum(axis=1)
    counts = np.bincount(labels, minlength=sets.shape[1])
    with np.errstate(invalid="ignore"):
        class_coverage = np.bincount(labels, covered, minlength=sets.shape[1]) / counts
    worst = int(np.nanargmin(class_coverage))
    groups = None if predictions.groups is None else numbered(predictions.groups)
    level = 1 - 0.05 / int((counts > 0).sum())

    def highest(label: int) -> float:
        of = labels == label
        return proportion(covered[of], None if groups is None else groups[of], level).high

    below = [
        name
        for label, name in enumerate(predictions.class_names)
        if counts[label] and highest(label) < 1 - alpha
    ]
    return ConformalResult(
        method=method,
        alpha=alpha,
        coverage=proportion(covered, groups),
        worst_class=predictions.class_names[worst],
        worst_coverage=float(class_coverage[worst]),
        classes_below=tuple(below),
        mean_size=float(sizes.mean()),
        empty=float((sizes == 0).mean()),
        singletons=float((sizes == 1).mean()),
        threshold=threshold,
    )
