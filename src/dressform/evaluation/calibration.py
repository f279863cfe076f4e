"""Calibration of probabilities: reliability diagrams and temperature scaling."""

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
    """A reliability diagram: examples binned by the probability of their predicted class, bins of
    equal width.

    Attributes:
        edges: float64 [B + 1], 0 to 1.
        count: int64 [B], examples per bin.
        confidence: float64 [B], mean probability per bin; NaN for an empty bin.
        accuracy: float64 [B], accuracy per bin; NaN for an empty bin.
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
    """Mean confidence and accuracy, both 0..1, and a sentence that compares them.

    The gap counts as clear if the mean confidence is outside the accuracy's 95 % interval (Wilson).
    """
    scores = Scores(predictions)
    confidence, accuracy = (
        float(scores.confidence.mean()),
        wilson(int(scores.correct.sum()), len(predictions)),
    )
    gap = f"by {100 * abs(confidence - accuracy.value):.1f} points"
    verdict = (
        f"overconfident {gap}"
        if confidence > accuracy.high
        else f"underconfident {gap}"
        if confidence < accuracy.low
        else "no clear gap"
    )
    return (
        confidence,
        accuracy.value,
        f"mean confidence {100 * confidence:.1f} %, accuracy {100 * accuracy.value:.1f} %: "
        f"{verdict}",
    )


def fit_temperature(predictions: Predictions) -> float:
    """The temperature that minimises the NLL of these predictions (Guo et al. 2017, ICML), 0.01 to
    100.

    Above 1 the model is overconfident, below 1 underconfident. The NLL is convex in 1 / T, so the
    minimum is unique.
    """
    from scipy.optimize import minimize_scalar

    logits = predictions.logits.astype(np.float64)
    true = logits[np.arange(len(predictions)), predictions.labels]

    def loss(log_temperature: float) -> float:
        scaled = logits * math.exp(-log_temperature)
        maximum = scaled.max(axis=1)
        log_sum = np.log(np.exp(scaled - maximum[:, None]).sum(axis=1))
        return float((maximum + log_sum - true * math.exp(-log_temperature)).mean())

    optimum = minimize_scalar(
        loss, bounds=(math.log(0.01), math.log(100)), method="bounded", options={"xatol": 1e-6}
    )
    return math.exp(float(optimum.x))


def with_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """The same predictions with logits divided by the temperature; predicted classes do not
    change.
    """
    return replace(
        predictions, logits=(predictions.logits / np.float32(temperature)).astype(np.float32)
    )


def cross_fit_temperature(
    predictions: Predictions, parts: NDArray[np.int64]
) -> tuple[Predictions, list[float]]:
    """Scale every part with the temperature fitted on the others, so that no example influences its
    own temperature.

    Args:
        predictions: N examples.
        parts: int64 [N], 0..P-1 with P at least 2; use the folds of a cross-validation.

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
    """Random stratified parts for predictions without folds, int64 [N]."""
    order = generator(seed, "calibration-parts").permutation(len(predictions))
    order = order[np.argsort(predictions.labels[order], kind="stable")]
    result = np.empty(len(predictions), dtype=np.int64)
    result[order] = np.arange(len(predictions)) % parts
    return result
