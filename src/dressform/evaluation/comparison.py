"""`Comparison`: the difference between two models, with a verdict and a sentence."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dressform.core.display import brief, paragraph, table
from dressform.evaluation.intervals import Estimate, fold_variance
from dressform.evaluation.metrics import METRICS, Metric
from dressform.evaluation.significance import Posterior, t_p_value, t_posterior

DECISION_PROBABILITY = 0.95
"""Posterior probability required for a verdict."""
SIGNIFICANCE_LEVEL = 0.05
"""Of significance."""
MAX_EXTRA_REPEATS = 50
Verdict = Literal["better", "worse", "equal", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """The difference b - a between two models.

    Attributes:
        a, b: names of the models.
        metric: name of the metric.
        difference: b - a with its 95 % interval, in the metric's units.
        scores: of a and of b.
        p_value: two-sided, for no difference.
        p_holm: the p-value adjusted for all pairs compared together (Holm 1979).
        test: name of the test that gave the p-value.
        posterior: probabilities that b is better, practically equal, or worse.
        rope: half the width of the region of practical equivalence.
        gains: for cross-validations, how much better b is in each fold, repeat by repeat, [R * K];
            else empty.
        folds: K for cross-validations, else 0.
        step: by which a fold's score changes with one example; see :func:`fold_variance`.
        identical: both predict the same probabilities for every example.
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
    step: float = 0.0
    identical: bool = False
    tests: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return brief(self, "", self.sentence())

    def _repr_html_(self) -> str:
        metric = METRICS[self.metric]
        scores = [metric.text(score) for score in self.scores]
        low, high = (
            _format_difference(value, metric)
            for value in (self.difference.low, self.difference.high)
        )
        row = [
            *scores,
            _format_difference(self.difference.value, metric),
            f"{low} to {high}",
            format_p_value(self.p_holm).removeprefix("= "),
            format_probability(self.posterior.equal).removeprefix("= "),
        ]
        p_title = "p (Holm)" if self.is_adjusted else "p"
        header = [self.a, self.b, "difference", "95 % interval", p_title, "P(equal)"]
        return paragraph(self.sentence()) + table(header, [row]) + paragraph(self.scope)

    @property
    def is_adjusted(self) -> bool:
        """Whether Holm's adjustment for several pairs changed the p-value."""
        return self.p_holm != self.p_value

    @property
    def significant(self) -> bool:
        """Whether the 95 % interval excludes 0 and the adjusted p-value is below 0.05."""
        return self.p_holm < SIGNIFICANCE_LEVEL and (
            self.difference.low > 0 or self.difference.high < 0
        )

    @property
    def verdict(self) -> Verdict:
        """``equal`` if its posterior is 95 % or more; ``better`` or ``worse`` if its posterior is
        and the difference is significant; else ``undecided``.
        """
        return _verdict(self.posterior, self.significant)

    @property
    def more_repeats(self) -> int | None:
        """Extra repeats of the cross-validation needed for a verdict if mean and spread stay the
        same.

        None if there is already a verdict, if no number suffices (the variance shared by the folds,
        1 / (K - 1), does not shrink with repeats), or without cross-validation.
        """
        if self.verdict != "undecided" or not self.gains:
            return None
        mean, sd, repeats = (
            float(np.mean(self.gains)),
            math.sqrt(fold_variance(np.array(self.gains), self.step)),
            len(self.gains) // self.folds,
        )
        adjustment = self.p_holm / self.p_value if self.p_value else 1.0
        for extra in range(1, MAX_EXTRA_REPEATS + 1):
            n = (repeats + extra) * self.folds
            standard_error = sd * math.sqrt(1 / n + 1 / (self.folds - 1))
            significant = adjustment * t_p_value(mean, standard_error, n - 1) < SIGNIFICANCE_LEVEL
            if (
                _verdict(t_posterior(mean, standard_error, n - 1, self.rope), significant)
                != "undecided"
            ):
                return extra
        return None

    @property
    def scope(self) -> str:
        """What the conclusion applies to, in one sentence."""
        if self.folds:
            return (
                f"Applies to the recipes: {len(self.gains)} networks of each were trained on "
                f"the same {self.folds} folds."
            )
        return "Applies to these trained models only. To compare recipes, use cross-validation."

    def to_json(self) -> dict[str, Any]:
        """The document printed by ``dressform compare --json`` for a pair; unknowns are null."""
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
        """The conclusion for people: "B is better than A by 0.40 points of accuracy, 95 % interval
        0.10 to 0.70; …".
        """
        metric, difference, unit = (
            METRICS[self.metric],
            self.difference,
            " points" if METRICS[self.metric].percent else "",
        )
        if self.identical or difference.value == difference.low == difference.high == 0:
            return (
                f"{self.b} and {self.a} perform identically ({metric.title} "
                f"{metric.text(self.scores[0])})."
            )
        gain = difference.value if metric.greater_is_better else -difference.value
        low, high = sorted(
            (difference.low, difference.high)
            if metric.greater_is_better
            else (-difference.low, -difference.high)
        )
        if gain < 0:
            low, high = -high, -low
        interval = f"95 % interval {metric.span(low, high)}"
        amount = f"by {_format_difference(abs(gain), metric)}{unit} of {metric.title}, {interval}"
        relation = f"{self.b} is {'ahead' if gain > 0 else 'behind'} {amount}"
        if float(_format_difference(gain, metric)) == 0:
            relation = f"they are tied in {metric.title}, {interval}{unit}"
        if self.verdict == "equal":
            text = f"{self.b} and {self.a} are practically equal: {relation}"
        elif self.significant:
            text = f"{self.b} is {'better' if gain > 0 else 'worse'} than {self.a} {amount}"
        else:
            text = f"{self.b} and {self.a} do not differ significantly: {relation}"
        adjustment = ", Holm-adjusted, which the interval is not" if self.is_adjusted else ""
        text += f"; p {format_p_value(self.p_holm)}{adjustment}"
        text += (
            f"; P(practically equal, within {_format_difference(self.rope, metric)}{unit}) "
            f"{format_probability(self.posterior.equal)}"
        )
        if self.gains and self.verdict == "undecided":
            question, repeats = (
                "whether that matters" if self.significant else "it",
                self.more_repeats,
            )
            text += (
                f"; more repeats would not settle {question}, but more examples might"
                if repeats is None
                else f"; about {repeats} more repeat{'s' if repeats > 1 else ''} would settle "
                f"{question}"
            )
        return text + "."


class Comparisons(list[Comparison]):
    """Every pair that was compared; a notebook shows each sentence and its figures."""

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self)


def _verdict(posterior: Posterior, significant: bool) -> Verdict:
    if posterior.equal >= DECISION_PROBABILITY:
        return "equal"
    if significant and posterior.better >= DECISION_PROBABILITY:
        return "better"
    return "worse" if significant and posterior.worse >= DECISION_PROBABILITY else "undecided"


def _format_difference(value: float, metric: Metric) -> str:
    return f"{100 * value:.2f}" if metric.percent else f"{value:.4f}"


def format_p_value(value: float) -> str:
    """``= 0.43``; four decimals below 0.1, and ``< 0.0001`` for smaller values."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}" if value < 0.1 else f"= {value:.2f}"


def format_probability(value: float) -> str:
    """``= 0.43``; ``< 0.01`` and ``> 0.99`` where two decimals would make 0 or 1 of it;
    ``unknown`` for NaN.
    """
    if math.isnan(value):
        return "unknown"
    if value < 0.005:
        return "< 0.01"
    return "> 0.99" if value >= 0.995 else f"= {value:.2f}"
