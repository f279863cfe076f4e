"""`calibrate`: fit temperature scaling and conformal prediction sets, and evaluate both on other
examples.
"""

import math
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, paragraph, table
from dressform.core.errors import ConfigError, DataError
from dressform.core.numbers import percent
from dressform.evaluation import clusters
from dressform.evaluation.calibration import (
    cross_fit_temperature,
    fit_temperature,
    random_parts,
    with_temperature,
)
from dressform.evaluation.conformal import (
    METHODS,
    ConformalResult,
    conformal_scores,
    conformal_sets,
    conformal_threshold,
    evaluate_sets,
)
from dressform.evaluation.evaluate import estimate
from dressform.evaluation.intervals import Estimate
from dressform.evaluation.learned_temperature import PRIOR
from dressform.evaluation.metrics import METRICS, Scores
from dressform.predictions import Predictions

CALIBRATION_METRICS = ("accuracy", "nll", "brier", "ece")
MIN_EXAMPLES = 20
"""Examples needed for calibration."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """An evaluation of a model's probabilities.

    Attributes:
        protocol: which examples temperature and thresholds were fitted and evaluated on.
        temperatures: one, or one per part.
        before: accuracy, NLL, Brier score and ECE of the unscaled probabilities.
        after: the same of the scaled ones.
        sets: a result per conformal method, for the scaled probabilities.
        effect: effect of scaling on the NLL: ``better``, ``worse`` or ``unclear`` (95 %, paired t).
        unscaled: the evaluated predictions before scaling.
        scaled: the same after scaling.
    """

    protocol: str
    temperatures: tuple[float, ...]
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    sets: tuple[ConformalResult, ...]
    unscaled: Predictions
    scaled: Predictions
    effect: Literal["better", "worse", "unclear"]

    def __repr__(self) -> str:
        return brief(self, self.temperature, self.advice)

    def _repr_html_(self) -> str:
        rows = [
            [METRICS[name].title, *(_cell(name, one[name]) for one in (self.before, self.after))]
            for name in self.before
        ]
        sets = [
            [one.method, percent(one.coverage.value), f"{one.mean_size:.2f}"] for one in self.sets
        ]
        return (
            paragraph(self.advice)
            + paragraph(self.protocol)
            + table(["metric", "uncalibrated", f"with {self.temperature}"], rows)
            + table(["prediction sets", "coverage", "mean size"], sets)
        )

    @property
    def advice(self) -> str:
        """The conclusion, in one sentence."""
        before, after = (estimates["nll"].value for estimates in (self.before, self.after))
        change = f"NLL {before:.4f} → {after:.4f}"
        if self.effect == "worse":
            return (
                f"Temperature scaling makes these probabilities worse ({change}): use them "
                f"unscaled."
            )
        if self.effect == "better":
            return f"Temperature scaling improves these probabilities ({change})."
        return f"These examples do not show whether temperature scaling helps ({change})."

    @property
    def temperature(self) -> str:
        """For people: ``temperature 1.52``, or ``temperatures 1.48 to 1.55``."""
        low, high = (f"{value:.2f}" for value in (min(self.temperatures), max(self.temperatures)))
        return f"temperature {low}" if low == high else f"temperatures {low} to {high}"

    def to_json(self) -> dict[str, Any]:
        """The document printed by ``dressform calibrate --json``."""
        return {
            "protocol": self.protocol,
            "temperatures": list(self.temperatures),
            "effect": self.effect,
            "advice": self.advice,
            "before": {name: e.to_json() for name, e in self.before.items()},
            "after": {name: e.to_json() for name, e in self.after.items()},
            # A threshold is infinite if there are so few examples that every set has all classes.
            "conformal": [
                {**asdict(s), "threshold": s.threshold if math.isfinite(s.threshold) else None}
                for s in self.sets
            ],
        }


def _cell(name: str, estimate: Estimate) -> str:
    return METRICS[name].text(estimate.value)


def calibrate(
    predictions: Predictions,
    *,
    fitted_on: Predictions | None = None,
    parts: NDArray[np.int64] | None = None,
    alpha: float = 0.1,
) -> Calibration:
    """Fit a temperature and conformal thresholds on some examples and evaluate them on others.

    Args:
        predictions: to evaluate; of examples that the model was not trained on.
        fitted_on: predictions of other examples by the same model, to fit on. Without them, each
            part of ``predictions`` is evaluated with what was fitted on the other parts.
        parts: int64 [N], these parts; default: five random stratified ones.
        alpha: fraction of prediction sets that may miss the true class.

    Raises:
        ConfigError: alpha out of range.
        DataError: there are too few examples, or no probabilities.
    """
    for one in (predictions, fitted_on):
        if one is not None:
            one.require_probabilities("calibration")
    if not 0 < alpha < 1:
        raise ConfigError(
            f"alpha is {alpha}; allowed: between 0 and 1, such as 0.1 for sets that contain the "
            f"true class nine times out of ten"
        )
    # What the model itself does about its probabilities is what is tried here.
    predictions = with_temperature(predictions, 1.0)
    count = len(predictions) if fitted_on is None else min(len(predictions), len(fitted_on))
    if count < MIN_EXAMPLES:
        raise DataError(
            f"{count} examples are too few for calibration; give {MIN_EXAMPLES} or more"
        )
    if fitted_on is not None:
        temperature = fit_temperature(fitted_on, prior=PRIOR)
        scaled, temperatures = with_temperature(predictions, temperature), [temperature]
        fitting_probabilities = with_temperature(fitted_on, temperature).probabilities
        results = []
        for method in METHODS:
            threshold = conformal_threshold(
                conformal_scores(fitting_probabilities, method, seed=1), fitted_on.labels, alpha
            )
            sets = conformal_scores(scaled.probabilities, method) <= threshold
            results.append(evaluate_sets(sets, scaled, method, alpha=alpha, threshold=threshold))
        protocol = f"fitted on {len(fitted_on):,} other examples, evaluated on {len(predictions):,}"
    else:
        parts = random_parts(predictions) if parts is None else parts
        scaled, temperatures = cross_fit_temperature(predictions, parts, prior=PRIOR)
        results = []
        for method in METHODS:
            sets, thresholds = conformal_sets(
                predictions, parts, method, alpha, temperatures=temperatures
            )
            results.append(
                evaluate_sets(sets, scaled, method, alpha=alpha, threshold=fmean(thresholds))
            )
        protocol = (
            f"cross-fitted: each of {int(parts.max()) + 1} parts evaluated with what was fitted "
            f"on the others, {len(predictions):,} examples"
        )
    before = {name: estimate(METRICS[name], predictions) for name in CALIBRATION_METRICS}
    after = {name: estimate(METRICS[name], scaled) for name in CALIBRATION_METRICS}
    return Calibration(
        protocol=protocol,
        temperatures=tuple(temperatures),
        before=before,
        after=after,
        sets=tuple(results),
        unscaled=predictions,
        scaled=scaled,
        effect=_effect(predictions, scaled),
    )


def _effect(before: Predictions, after: Predictions) -> Literal["better", "worse", "unclear"]:
    per_example = METRICS["nll"].per_example
    assert per_example is not None
    scores = Scores(after)
    change = clusters.mean(
        per_example(scores).astype(np.float64) - per_example(Scores(before)), scores.clusters
    )
    if change.high < 0:
        return "better"
    return "worse" if change.low > 0 else "unclear"
