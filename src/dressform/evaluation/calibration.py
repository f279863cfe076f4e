"""Whether a model is right as often as it says, and how to make it so."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.rng import generator
from dressform.evaluation.intervals import wilson
from dressform.evaluation.metrics import ECE_BINS, Scores
from dressform.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: examples by the probability of their predicted class, in bins of equal
    width.

    Attributes:
        edges: float64 [B + 1], 0 to 1.
        count: int64 [B], examples in each bin.
        confidence: float64 [B], their mean probability; NaN in an empty bin.
        accuracy: float64 [B], the share of them that is right; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(predictions: Predictions) -> Reliability:
    """Compute the diagram, with the bins of :func:`dressform.evaluation.metrics.ece`."""
    scores = Scores(predictions)
    count = np.bincount(scores.bins, minlength=ECE_BINS)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(scores.bins, scores.confidence, minlength=ECE_BINS) / count
        accuracy = np.bincount(scores.bins, scores.correct, minlength=ECE_BINS) / count
    return Reliability(np.linspace(0, 1, ECE_BINS + 1), count, confidence, accuracy)


def mean_confidence(predictions: Predictions) -> tuple[float, float, str]:
    """Mean probability of the predicted class and accuracy, 0..1 both, and what follows, in a
    sentence.

    The gap is called one where the accuracy's 95 % interval (Wilson) leaves the mean confidence
    out.
    """
    scores = Scores(predictions)
    sure, reach = (
        float(scores.confidence.mean()),
        wilson(int(scores.correct.sum()), len(predictions)),
    )
    gap = f"by {100 * abs(sure - reach.value):.1f} points"
    what = (
        f"overconfident {gap}"
        if sure > reach.high
        else f"underconfident {gap}"
        if sure < reach.low
        else "no clear gap"
    )
    return (
        sure,
        reach.value,
        f"mean confidence {100 * sure:.1f} %, accuracy {100 * reach.value:.1f} %: {what}",
    )


def fit_temperature(predictions: Predictions) -> float:
    """The temperature that minimises the NLL of these predictions (Guo et al. 2017, ICML), 0.01 to
    100.

    Above 1 the model is too sure of itself, below 1 too timid. The NLL is convex in 1 / T, so the
    minimum is the only one.
    """
    from scipy.optimize import minimize_scalar

    logits = predictions.logits.astype(np.float64)
    true = logits[np.arange(len(predictions)), predictions.labels]

    def loss(log_temperature: float) -> float:
        scaled = logits * math.exp(-log_temperature)
        top = scaled.max(axis=1)
        mass = np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((top + mass - true * math.exp(-log_temperature)).mean())

    found = minimize_scalar(
        loss, bounds=(math.log(0.01), math.log(100)), method="bounded", options={"xatol": 1e-6}
    )
    return math.exp(float(found.x))


def with_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """The same predictions, logits divided by the temperature; the predicted classes stay."""
    return replace(
        predictions, logits=(predictions.logits / np.float32(temperature)).astype(np.float32)
    )


def cross_fit_temperature(
    predictions: Predictions, parts: NDArray[np.int64]
) -> tuple[Predictions, list[float]]:
    """Scale every part with the temperature fitted on the others, so that no example is judged by a
    fit that saw it.

    Args:
        predictions: N examples.
        parts: int64 [N], 0..P-1 with P at least 2; folds where there are some.

    Returns:
        the scaled predictions in the same order, and P temperatures.
    """
    logits, temperatures = predictions.logits.copy(), []
    for part in range(int(parts.max()) + 1):
        temperature = fit_temperature(predictions.take(parts != part))
        temperatures.append(temperature)
        logits[parts == part] /= np.float32(temperature)
    return replace(predictions, logits=logits), temperatures


def random_parts(predictions: Predictions, parts: int = 5, seed: int = 0) -> NDArray[np.int64]:
    """A stratified division into parts for predictions that have no folds, int64 [N]."""
    order = generator(seed, "calibration-parts").permutation(len(predictions))
    order = order[np.argsort(predictions.labels[order], kind="stable")]
    result = np.empty(len(predictions), dtype=np.int64)
    result[order] = np.arange(len(predictions)) % parts
    return result
