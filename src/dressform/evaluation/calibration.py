"""Calibration of probabilities: reliability diagrams and temperature scaling."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.numbers import percent, points
from dressform.core.rng import generator
from dressform.data.allocation import allocate
from dressform.data.groups import class_counts
from dressform.evaluation.clusters import numbered, proportion
from dressform.evaluation.metrics import ECE_BINS, Scores
from dressform.predictions import Predictions

FEW_EXAMPLES = 20
"""A bin with fewer examples is faded: its accuracy is little more than chance."""


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

    The gap counts as clear if the mean confidence is outside the accuracy's 95 % interval (Wilson;
    of groups where there are any).
    """
    scores = Scores(predictions)
    confidence = float(scores.confidence.mean())
    accuracy = proportion(scores.correct, scores.clusters)
    gap = f"by {points(abs(confidence - accuracy.value))}"
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
        f"mean confidence {percent(confidence)}, accuracy {percent(accuracy.value)}: {verdict}",
    )


def fit_temperature(predictions: Predictions, *, prior: float = 0.0) -> float:
    """The temperature that minimises the NLL of these predictions (Guo et al. 2017, ICML), 0.01 to
    100.

    Above 1 the model is overconfident, below 1 underconfident. The NLL is convex in 1 / T, so the
    minimum is unique.

    Args:
        predictions: of examples that the model was not trained on; a temperature that they have is
            not used.
        prior: weight of a normal distribution of log T around 0 with a standard deviation of 1, in
            examples: few examples that are all right would ask for a temperature of 0.
    """
    from scipy.optimize import minimize_scalar

    logits = predictions.logits.astype(np.float64)
    true = logits[np.arange(len(predictions)), predictions.labels]

    def loss(log_temperature: float) -> float:
        scaled = logits * math.exp(-log_temperature)
        maximum = scaled.max(axis=1)
        log_sum = np.log(np.exp(scaled - maximum[:, None]).sum(axis=1))
        nll = float((maximum + log_sum - true * math.exp(-log_temperature)).sum())
        return (nll + prior * log_temperature**2 / 2) / len(predictions)

    optimum = minimize_scalar(
        loss, bounds=(math.log(0.01), math.log(100)), method="bounded", options={"xatol": 1e-6}
    )
    return math.exp(float(optimum.x))


def with_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """The same predictions with another temperature; predicted classes do not change."""
    return replace(predictions, temperature=temperature)


def cross_fit_temperature(
    predictions: Predictions, parts: NDArray[np.int64], *, prior: float = 0.0
) -> tuple[Predictions, list[float]]:
    """Scale every part with the temperature fitted on the others, so that no example influences its
    own temperature.

    Args:
        predictions: N examples.
        parts: int64 [N], 0..P-1 with P at least 2; use the folds of a cross-validation.
        prior: see :func:`fit_temperature`.

    Returns:
        the scaled predictions in the same order, and P temperatures.
    """
    logits, temperatures = predictions.logits.copy(), []
    for part in range(int(parts.max()) + 1):
        temperature = fit_temperature(predictions.take(parts != part), prior=prior)
        temperatures.append(temperature)
        logits[parts == part] /= np.float32(temperature)
    return replace(predictions, logits=logits, temperature=1.0), temperatures


def random_parts(predictions: Predictions, parts: int = 5, seed: int = 0) -> NDArray[np.int64]:
    """Random stratified parts for predictions without folds, int64 [N]; groups stay together, in
    as many parts at most as there are groups.
    """
    if predictions.groups is not None and (predictions.groups != predictions.groups[0]).any():
        groups = numbered(predictions.groups)
        counts = class_counts(groups, predictions.labels, len(predictions.class_names))
        several = min(parts, len(counts))
        random = generator(seed, "calibration-parts")
        return allocate(counts, np.full(several, 1 / several), random)[groups]
    order = generator(seed, "calibration-parts").permutation(len(predictions))
    order = order[np.argsort(predictions.labels[order], kind="stable")]
    result = np.empty(len(predictions), dtype=np.int64)
    result[order] = np.arange(len(predictions)) % parts
    return result
