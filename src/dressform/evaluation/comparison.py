"""`Comparison`: what is known about the difference of two models, with a verdict and a sentence."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dressform.evaluation.intervals import Estimate
from dressform.evaluation.metrics import METRICS, Metric
from dressform.evaluation.significance import Posterior, t_p_value, t_posterior

SURE = 0.95
"""Posterior probability from which on a verdict is given."""
LEVEL = 0.05
"""Of significance."""
MOST_REPEATS = 50
Verdict = Literal["better", "worse", "equal", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """What is known about the difference b - a of two models.

    Attributes:
        a, b: names.
        metric: that was compared.
        difference: b - a with its 95 % interval, in the metric's units.
        scores: of a and of b.
        p_value: two-sided, of no difference.
        p_holm: the same adjusted for all pairs that were compared together (Holm 1979).
        test: that gave the p-value.
        posterior: probability that b is better by more than the region of practical equivalence,
            equal, or worse.
        rope: half the width of that region.
        gains: of cross-validations, by how much b is better in each fold, repeat by repeat, [R *
            K]; else empty.
        folds: K of cross-validations, else 0.
        identical: both gave the same probabilities for every example.
        tests: further p-values by name.
    """

    a: str
    b: str
    metric: str
    difference: Estimate
    scores: tuple[float, float]
    p_value: float
    p_holm: float
    test: str
    posterior: Posterior
    rope: float
    gains: tuple[float, ...] = ()
    folds: int = 0
    identical: bool = False
    tests: dict[str, float] = field(default_factory=dict)

    @property
    def told_apart(self) -> bool:
        """Whether the 95 % interval leaves 0 out and the adjusted p-value is below 0.05."""
        return self.p_holm < LEVEL and (self.difference.low > 0 or self.difference.high < 0)

    @property
    def verdict(self) -> Verdict:
        """``equal`` where it is 95 % sure, ``better`` or ``worse`` where it is and they can be told
        apart, else ``undecided``.
        """
        return _verdict(self.posterior, self.told_apart)

    @property
    def more_repeats(self) -> int | None:
        """How many more repeats of the cross-validation would give a verdict if mean and spread
        stayed as they are.

        None where there is a verdict, where no number would (the part of the variance that the
        folds share, 1 / (K - 1), does not shrink with repeats), or without cross-validation.
        """
        if self.verdict != "undecided" or not self.gains:
            return None
        mean, sd, done = (
            float(np.mean(self.gains)),
            float(np.std(self.gains, ddof=1)),
            len(self.gains) // self.folds,
        )
        adjustment = self.p_holm / self.p_value if self.p_value else 1.0
        for more in range(1, MOST_REPEATS + 1):
            n = (done + more) * self.folds
            scale = sd * math.sqrt(1 / n + 1 / (self.folds - 1))
            told_apart = adjustment * t_p_value(mean, scale, n - 1) < LEVEL
            if _verdict(t_posterior(mean, scale, n - 1, self.rope), told_apart) != "undecided":
                return more
        return None

    @property
    def scope(self) -> str:
        """What the answer is about, in a sentence."""
        if self.folds:
            return (
                f"Applies to the recipes: {len(self.gains)} networks of each were trained on "
                f"the same {self.folds} folds."
            )
        return "Applies to these trained models only. To compare recipes, use cross-validation."

    def to_json(self) -> dict[str, Any]:
        """The document that ``dressform compare --json`` prints for a pair; what is not known is
        null.
        """
        document = {
            "a": self.a,
            "b": self.b,
            "metric": self.metric,
            "score_a": self.scores[0],
            "score_b": self.scores[1],
            "difference": self.difference.value,
            "low": self.difference.low,
            "high": self.difference.high,
            "method": self.difference.method,
            "n": self.difference.n,
            "p_value": self.p_value,
            "p_holm": self.p_holm,
            "test": self.test,
            "p_better": self.posterior.better,
            "p_equal": self.posterior.equal,
            "p_worse": self.posterior.worse,
            "rope": self.rope,
            "verdict": self.verdict,
            "more_repeats": self.more_repeats,
            "tests": self.tests,
            "sentence": self.sentence(),
            "scope": self.scope,
        }
        return {
            k: None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in document.items()
        }

    def sentence(self) -> str:
        """The answer for people: "B is better than A by 0.40 points of accuracy, 95 % interval 0.10
        to 0.70; …".
        """
        metric, found, unit = (
            METRICS[self.metric],
            self.difference,
            " points" if METRICS[self.metric].percent else "",
        )
        if self.identical or found.value == found.low == found.high == 0:
            return (
                f"{self.b} and {self.a} do exactly the same ({metric.title} "
                f"{_score(self.scores[0], metric)})."
            )
        gain = found.value if metric.greater_is_better else -found.value
        low, high = sorted(
            (found.low, found.high) if metric.greater_is_better else (-found.low, -found.high)
        )
        if gain < 0:
            low, high = -high, -low
        between = f"95 % interval {_amount(low, metric)} to {_amount(high, metric)}"
        size = f"by {_amount(abs(gain), metric)}{unit} of {metric.title}, {between}"
        ahead = f"{self.b} is {'ahead' if gain > 0 else 'behind'} {size}"
        if float(_amount(gain, metric)) == 0:
            ahead = f"they are level in {metric.title}, {between}{unit}"
        if self.verdict == "equal":
            text = f"{self.b} and {self.a} are practically equal: {ahead}"
        elif self.told_apart:
            text = f"{self.b} is {'better' if gain > 0 else 'worse'} than {self.a} {size}"
        else:
            text = f"{self.b} and {self.a} cannot be told apart: {ahead}"
        adjusted = ", Holm-adjusted" if self.p_holm != self.p_value else ""
        text += f"; p {show_p(self.p_holm)}{adjusted}"
        text += (
            f"; P(practically equal, within {_amount(self.rope, metric)}{unit}) = "
            f"{self.posterior.equal:.2f}"
        )
        if self.gains and self.verdict == "undecided":
            what, more = "whether that matters" if self.told_apart else "it", self.more_repeats
            text += (
                f"; more repeats would not settle {what}, more examples might"
                if more is None
                else f"; about {more} more repeat{'s' if more > 1 else ''} would settle {what}"
            )
        return text + "."


def _verdict(posterior: Posterior, told_apart: bool) -> Verdict:
    if posterior.equal >= SURE:
        return "equal"
    if told_apart and posterior.better >= SURE:
        return "better"
    return "worse" if told_apart and posterior.worse >= SURE else "undecided"


def _amount(value: float, metric: Metric) -> str:
    return f"{100 * value:.2f}" if metric.percent else f"{value:.4f}"


def _score(value: float, metric: Metric) -> str:
    return f"{100 * value:.2f} %" if metric.percent else f"{value:.4f}"


def show_p(value: float) -> str:
    """``= 0.43``; four decimals below 0.1, and ``< 0.0001`` below that."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}" if value < 0.1 else f"= {value:.2f}"
