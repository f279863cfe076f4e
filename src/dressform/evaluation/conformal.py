"""Conformal prediction: sets of classes that contain the true one as often as was asked for.

Split conformal prediction (Vovk et al. 2005): the threshold is a quantile of scores on examples
that the model did not learn from; on exchangeable new examples the set has the true class with
probability of at least 1 - alpha.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.rng import generator
from dressform.evaluation.calibration import with_temperature
from dressform.evaluation.intervals import Estimate, wilson
from dressform.predictions import Predictions

Method = Literal["lac", "aps", "raps"]
METHODS: tuple[Method, ...] = ("lac", "aps", "raps")


@dataclass(frozen=True, kw_only=True)
class Raps:
    """The penalty of RAPS on large sets.

    Attributes:
        weight: added for each class beyond the first ``free`` ones.
        free: classes without a penalty.
    """

    weight: float = 0.1
    free: int = 1


def conformal_scores(
    probabilities: NDArray[np.float64], method: Method, *, seed: int = 0, raps: Raps | None = None
) -> NDArray[np.float64]:
    """How strange each class would be as the answer, float64 [N, K]; higher is stranger.

    ``lac``: 1 - p (Sadinle, Lei & Wasserman 2019): the smallest sets on average, which may be
    empty. ``aps``: the probability of all likelier classes plus a random share of its own (Romano,
    Sesia & Candès 2020): sets that grow with the difficulty of the example. ``raps``: the same with
    a penalty on the rank (Angelopoulos et al. 2021): no very large sets.

    Args:
        probabilities: float64 [N, K].
        method: see above.
        seed: of the random shares.
        raps: the penalty; default weight 0.1 beyond one class.
    """
    if method == "lac":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    share = generator(seed, "conformal").random((len(probabilities), 1))
    strange = np.cumsum(ordered, axis=1) - ordered + share * ordered
    if method == "raps":
        penalty = raps or Raps()
        strange += penalty.weight * np.maximum(
            0, np.arange(1, probabilities.shape[1] + 1) - penalty.free
        )
    scores = np.empty_like(strange)
    np.put_along_axis(scores, order, strange, axis=1)
    return scores


def conformal_threshold(
    scores: NDArray[np.float64], labels: NDArray[np.int64], alpha: float
) -> float:
    """The ceil((n + 1) (1 - alpha))-th smallest score of the true classes; infinite where n is too
    small for alpha.

    Args:
        scores: float64 [n, K] of examples that the model did not learn from.
        labels: int64 [n].
        alpha: share of sets that may miss the true class, between 0 and 1.
    """
    true = np.sort(scores[np.arange(len(labels)), labels])
    # The small number undoes the rounding error of 1 - alpha, which would otherwise move a whole
    # rank.
    rank = math.ceil((len(true) + 1) * (1 - alpha) - 1e-9)
    return math.inf if rank > len(true) else float(true[rank - 1])


@dataclass(frozen=True)
class ConformalResult:
    """How well prediction sets did on examples that neither the model nor the threshold had seen.

    Attributes:
        method: ``lac``, ``aps`` or ``raps``.
        alpha: share of misses asked for.
        coverage: share of sets that have the true class, Wilson interval.
        worst_class: the class with the lowest coverage.
        worst_coverage: its coverage, 0..1.
        mean_size: classes per set.
        empty: share of empty sets.
        singletons: share of sets with one class.
        threshold: mean over the parts where there are several.
    """

    method: Method
    alpha: float
    coverage: Estimate
    worst_class: str
    worst_coverage: float
    mean_size: float
    empty: float
    singletons: float
    threshold: float


def conformal_sets(
    predictions: Predictions,
    parts: NDArray[np.int64],
    method: Method,
    alpha: float,
    temperatures: Sequence[float] | None = None,
) -> tuple[NDArray[np.bool_], list[float]]:
    """Prediction sets, bool [N, K], each part's threshold taken from the other parts; and the
    thresholds.

    Args:
        predictions: N examples that the model did not learn from.
        parts: int64 [N], 0..P-1 with P at least 2.
        method: see :func:`conformal_scores`.
        alpha: share of misses.
        temperatures: P of them, each fitted on the other parts; a part's threshold is taken with
            its own temperature, since the other parts' temperatures have seen the part.
    """
    sets, thresholds = np.zeros(predictions.logits.shape, dtype=bool), []
    for part in range(int(parts.max()) + 1):
        inside = parts == part
        scaled = (
            predictions
            if temperatures is None
            else with_temperature(predictions, temperatures[part])
        )
        scores = conformal_scores(scaled.probabilities, method)
        threshold = conformal_threshold(scores[~inside], predictions.labels[~inside], alpha)
        thresholds.append(threshold)
        sets[inside] = scores[inside] <= threshold
    return sets, thresholds


def judge_sets(
    sets: NDArray[np.bool_],
    predictions: Predictions,
    method: Method,
    alpha: float,
    threshold: float,
) -> ConformalResult:
    """Coverage and size of prediction sets [N, K] for the examples of ``predictions``."""
    labels = predictions.labels
    hit, sizes = sets[np.arange(len(labels)), labels], sets.sum(axis=1)
    counts = np.bincount(labels, minlength=sets.shape[1])
    with np.errstate(invalid="ignore"):
        per_class = np.bincount(labels, hit, minlength=sets.shape[1]) / counts
    worst = int(np.nanargmin(per_class))
    return ConformalResult(
        method,
        alpha,
        wilson(int(hit.sum()), len(labels)),
        predictions.class_names[worst],
        float(per_class[worst]),
        float(sizes.mean()),
        float((sizes == 0).mean()),
        float((sizes == 1).mean()),
        threshold,
    )
