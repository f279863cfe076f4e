"""`calibrate`: what temperature scaling and conformal sets do for some predictions, measured out of
fold.
"""

import math
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
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
    judge_sets,
)
from dressform.evaluation.evaluate import estimate
from dressform.evaluation.intervals import Estimate, student
from dressform.evaluation.metrics import METRICS, Scores
from dressform.predictions import Predictions

SHOWN = ("accuracy", "nll", "brier", "ece")
FEWEST = 20
"""Examples to calibrate on."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """The judgement of a model's probabilities.

    Attributes:
        how: where temperature and thresholds were fitted and where they were judged.
        temperatures: one, or one per part.
        before: estimates of accuracy, NLL, Brier score and ECE.
        after: the same with the temperature.
        sets: a result per conformal method, on the scaled probabilities.
        effect: what the temperature does to the NLL of an example, ``better``, ``worse`` or
            ``unclear`` (95 %, paired t).
        judged: the predictions that were judged, before scaling.
        scaled: and after.
    """

    how: str
    temperatures: tuple[float, ...]
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    sets: tuple[ConformalResult, ...]
    judged: Predictions
    scaled: Predictions
    effect: Literal["better", "worse", "unclear"]

    @property
    def advice(self) -> str:
        """What follows, in a sentence."""
        before, after = (estimates["nll"].value for estimates in (self.before, self.after))
        change = f"NLL {before:.4f} → {after:.4f}"
        if self.effect == "worse":
            return (
                f"The temperature makes these probabilities worse ({change}): use them as they are."
            )
        if self.effect == "better":
            return f"The temperature makes these probabilities better ({change})."
        return f"Whether the temperature helps cannot be told from these examples ({change})."

    @property
    def temperature(self) -> str:
        """For people: ``temperature 1.52``, or ``temperatures 1.48 to 1.55``."""
        low, high = (f"{value:.2f}" for value in (min(self.temperatures), max(self.temperatures)))
        return f"temperature {low}" if low == high else f"temperatures {low} to {high}"

    def to_json(self) -> dict[str, Any]:
        """The document that ``dressform calibrate --json`` prints."""
        return {
            "how": self.how,
            "temperatures": list(self.temperatures),
            "effect": self.effect,
            "advice": self.advice,
            "before": {name: e.to_json() for name, e in self.before.items()},
            "after": {name: e.to_json() for name, e in self.after.items()},
            # A threshold is infinite where so few examples leave no set without every class.
            "conformal": [
                {**asdict(s), "threshold": s.threshold if math.isfinite(s.threshold) else None}
                for s in self.sets
            ],
        }


def calibrate(
    predictions: Predictions,
    *,
    fitted_on: Predictions | None = None,
    parts: NDArray[np.int64] | None = None,
    alpha: float = 0.1,
) -> Calibration:
    """Fit a temperature and conformal thresholds on some examples and judge them on others.

    Args:
        predictions: to judge; of examples that the model did not learn from.
        fitted_on: predictions of other examples by the same model, to fit on. Without them every
            part of ``predictions`` is judged by what was fitted on its other parts.
        parts: int64 [N], for the latter; default five random stratified parts.
        alpha: share of prediction sets that may miss the true class.

    Raises:
        ConfigError: alpha out of range.
        DataError: too few examples.
    """
    if not 0 < alpha < 1:
        raise ConfigError(
            f"alpha is {alpha}; allowed: between 0 and 1, such as 0.1 for sets that are right "
            f"nine times out of ten"
        )
    fewest = len(predictions) if fitted_on is None else min(len(predictions), len(fitted_on))
    if fewest < FEWEST:
        raise DataError(f"{fewest} examples are too few to calibrate on; give {FEWEST} or more")
    if fitted_on is not None:
        temperature = fit_temperature(fitted_on)
        scaled, temperatures = with_temperature(predictions, temperature), [temperature]
        other = with_temperature(fitted_on, temperature).probabilities
        results = []
        for method in METHODS:
            threshold = conformal_threshold(
                conformal_scores(other, method, seed=1), fitted_on.labels, alpha
            )
            sets = conformal_scores(scaled.probabilities, method) <= threshold
            results.append(judge_sets(sets, scaled, method, alpha, threshold))
        how = f"fitted on {len(fitted_on):,} other examples, judged on {len(predictions):,}"
    else:
        parts = random_parts(predictions) if parts is None else parts
        scaled, temperatures = cross_fit_temperature(predictions, parts)
        results = []
        for method in METHODS:
            sets, thresholds = conformal_sets(predictions, parts, method, alpha, temperatures)
            results.append(judge_sets(sets, scaled, method, alpha, fmean(thresholds)))
        how = (
            f"each of {int(parts.max()) + 1} parts judged by what was fitted on the others, "
            f"{len(predictions):,} examples"
        )
    before = {name: estimate(METRICS[name], predictions) for name in SHOWN}
    after = {name: estimate(METRICS[name], scaled) for name in SHOWN}
    return Calibration(
        how,
        tuple(temperatures),
        before,
        after,
        tuple(results),
        predictions,
        scaled,
        _effect(predictions, scaled),
    )


def _effect(before: Predictions, after: Predictions) -> Literal["better", "worse", "unclear"]:
    each = METRICS["nll"].per_example
    assert each is not None
    change = student(each(Scores(after)).astype(np.float64) - each(Scores(before)))
    if change.high < 0:
        return "better"
    return "worse" if change.low > 0 else "unclear"
