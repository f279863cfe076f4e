"""`compare`: is B really better than A? A number, an interval, tests, and the answer in a sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
from dressform.evaluation.align import align, with_common_ids
from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.intervals import RESAMPLES, Estimate, across_folds, percentile, resample, student
from dressform.evaluation.metrics import METRICS, Metric, Scores, find_metric
from dressform.evaluation.significance import (
    Posterior,
    corrected_resampled_t,
    correlated_t,
    draws_posterior,
    exchange_test,
    holm,
    mcnemar,
    paired_share,
    paired_t,
    share_posterior,
    t_posterior,
)
from dressform.predictions import Predictions

SURE = 0.95
"""Posterior probability from which on a verdict is given."""
MOST_REPEATS = 50
Verdict = Literal["better", "worse", "equal", "undecided"]


@dataclass(frozen=True, eq=False)
class Contestant:
    """One side of a comparison: predictions of one set of examples, or one set of out-of-fold predictions a repeat.

    Attributes:
        name: for people.
        predictions: one, or one per repeat of a cross-validation, each of all examples.
        folds: int64 [N] per repeat, in the order of the predictions; empty without cross-validation.
    """

    name: str
    predictions: tuple[Predictions, ...]
    folds: tuple[NDArray[np.int64], ...] = ()

    def fold_scores(self, metric: Metric) -> list[float]:
        """The metric of each fold, repeat by repeat, [R * K]."""
        found = []
        for predictions, fold in zip(self.predictions, self.folds, strict=True):
            for k in range(int(fold.max()) + 1):
                part = predictions.take(fold == k)
                found.append(metric.value(Scores(part), None))
        return found


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
        posterior: probability that b is better by more than the region of practical equivalence, equal, or worse.
        rope: half the width of that region.
        verdict: ``better``, ``worse`` or ``equal`` where its probability is 95 % or more, else ``undecided``.
        more_repeats: how many more repeats of the cross-validation would give a verdict if mean and spread stayed as
            they are; None where none would, or where nothing can be said.
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
    verdict: Verdict
    more_repeats: int | None = None
    crossval: bool = False
    tests: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document that ``dressform compare --json`` prints for a pair; what is not known is null."""
        document = {
            "a": self.a, "b": self.b, "metric": self.metric, "score_a": self.scores[0], "score_b": self.scores[1],
            "difference": self.difference.value, "low": self.difference.low, "high": self.difference.high,
            "method": self.difference.method, "n": self.difference.n, "p_value": self.p_value, "p_holm": self.p_holm,
            "test": self.test, "p_better": self.posterior.better, "p_equal": self.posterior.equal,
            "p_worse": self.posterior.worse, "rope": self.rope, "verdict": self.verdict, "more_repeats": self.more_repeats,
            "tests": self.tests, "sentence": self.sentence(),
        }  # fmt: skip
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in document.items()}

    def sentence(self) -> str:
        """The answer for people: "B is better than A by 0.40 points of accuracy, 95 % interval 0.10 to 0.70; …"."""
        metric, found, unit = METRICS[self.metric], self.difference, " points" if METRICS[self.metric].percent else ""
        if found.value == found.low == found.high == 0:
            return f"{self.b} and {self.a} do exactly the same ({metric.title} {_score(self.scores[0], metric)})."
        gain = found.value if metric.higher else -found.value
        low, high = sorted((found.low, found.high) if gain == found.value else (-found.low, -found.high))
        if gain < 0:
            low, high = -high, -low
        between = f"95 % interval {_amount(low, metric)} to {_amount(high, metric)}"
        size = f"by {_amount(abs(gain), metric)}{unit} of {metric.title}, {between}"
        if self.verdict == "equal":
            text = f"{self.b} and {self.a} are practically equal: {self.b} is {'ahead' if gain >= 0 else 'behind'} {size}"
        elif low > 0 and self.p_holm < 0.05:
            text = f"{self.b} is {'better' if gain > 0 else 'worse'} than {self.a} {size}"
        else:
            text = f"{self.b} and {self.a} cannot be told apart: {self.b} is {'ahead' if gain >= 0 else 'behind'} {size}"
        adjusted = ", Holm-adjusted" if self.p_holm != self.p_value else ""
        text += f"; {_p(self.p_holm)}{adjusted}"
        text += f"; P(practically equal, within {_amount(self.rope, metric)}{unit}) = {self.posterior.equal:.2f}"
        if self.crossval and self.verdict == "undecided":
            more = self.more_repeats
            text += (
                "; more repeats would not settle it, more examples might"
                if more is None
                else f"; about {more} more repeat{'s' if more > 1 else ''} would settle it"
            )
        return text + "."


def _amount(value: float, metric: Metric) -> str:
    return f"{100 * value:.2f}" if metric.percent else f"{value:.4f}"


def _score(value: float, metric: Metric) -> str:
    return f"{100 * value:.2f} %" if metric.percent else f"{value:.4f}"


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}" if value < 0.01 else f"p = {value:.2f}"


def compare(contestants: Sequence[Contestant], *, metric: str = "accuracy", rope: float = 0.005) -> list[Comparison]:
    """Compare every pair.

    Test sets are compared example by example (McNemar's mid-p for shares, the paired t-test for means, an exchange test
    for the rest), cross-validations fold by fold (corrected resampled t-test, Bayesian correlated t-test).

    Args:
        contestants: two or more, all of one kind and on the same examples and folds.
        metric: a name of ``METRICS``.
        rope: half the width of the region of practical equivalence, in the metric's units; 0.005 is half a point.

    Raises:
        ConfigError: fewer than two, or a rope out of range.
        UnknownNameError: no such metric.
        DataError: other examples, labels, classes or folds.
    """
    chosen = find_metric(metric)
    if len(contestants) < 2:
        raise ConfigError(f"{len(contestants)} to compare; give two or more runs, cross-validations or predictions files")
    if not (rope >= 0 and math.isfinite(rope)):
        raise ConfigError(f"rope is {rope}; allowed: 0 or more, such as 0.005 for half a point")
    pairs = [_compare_pair(a, b, chosen, rope) for a, b in combinations(contestants, 2)]
    adjusted = holm([pair.p_value for pair in pairs])
    return [replace(pair, p_holm=p) for pair, p in zip(pairs, adjusted, strict=True)]


def _compare_pair(a: Contestant, b: Contestant, metric: Metric, rope: float) -> Comparison:
    if bool(a.folds) != bool(b.folds):
        one, other = (a, b) if a.folds else (b, a)
        raise DataError(f"{one.name} is a cross-validation and {other.name} is not; compare like with like")
    return _compare_folds(a, b, metric, rope) if a.folds else _compare_examples(a, b, metric, rope)


def _compare_folds(a: Contestant, b: Contestant, metric: Metric, rope: float) -> Comparison:
    repeats = min(len(a.folds), len(b.folds))
    if len(a.folds) != len(b.folds):
        raise DataError(
            f"{a.name} has {len(a.folds)} repeats and {b.name} {len(b.folds)}; run the shorter with --repeats"
            f" {max(len(a.folds), len(b.folds))} --resume"
        )
    second = []
    for r in range(repeats):
        left, right = with_common_ids(a.predictions[r], b.predictions[r])
        _, aligned = align(left, right, (a.name, b.name))
        order = np.argsort(right.ids)
        place = order[np.searchsorted(right.ids, aligned.ids, sorter=order)]
        if not np.array_equal(a.folds[r], b.folds[r][place]):
            count = int((a.folds[r] != b.folds[r][place]).sum())
            raise DataError(
                f"{a.name} and {b.name} have other folds: {count:,} of {len(place):,} examples of repeat {r + 1} are in another"
                " one; run both with the same --folds and --seed on the same data"
            )
        second.append(aligned)
    b = replace(b, predictions=tuple(second), folds=a.folds)
    scores_a, scores_b = np.array(a.fold_scores(metric)), np.array(b.fold_scores(metric))
    folds = int(a.folds[0].max()) + 1
    differences = scores_b - scores_a
    gains = differences if metric.higher else -differences
    posterior = correlated_t(gains, folds, rope)
    verdict = _verdict(posterior)
    return Comparison(
        a=a.name, b=b.name, metric=metric.name, difference=across_folds(differences, folds),
        scores=(float(scores_a.mean()), float(scores_b.mean())), p_value=corrected_resampled_t(differences, folds), p_holm=math.nan,
        test="corrected resampled t-test (Nadeau-Bengio)", posterior=posterior, rope=rope, verdict=verdict,
        more_repeats=_more_repeats(gains, folds, rope) if verdict == "undecided" else None, crossval=True,
    )  # fmt: skip


def _more_repeats(gains: NDArray[np.float64], folds: int, rope: float) -> int | None:
    """Further repeats until a verdict, with the mean and standard deviation seen so far; None if there is no such number.

    The part of the variance that the folds share, 1 / (K - 1), does not shrink with repeats, so often there is none.
    """
    mean, sd, done = float(gains.mean()), float(gains.std(ddof=1)), len(gains) // folds
    for more in range(1, MOST_REPEATS + 1):
        n = (done + more) * folds
        scale = sd * math.sqrt(1 / n + 1 / (folds - 1))
        if _verdict(t_posterior(mean, scale, n - 1, rope)) != "undecided":
            return more
    return None


def _compare_examples(a: Contestant, b: Contestant, metric: Metric, rope: float) -> Comparison:
    first, second = (Scores(p) for p in align(a.predictions[0], b.predictions[0], (a.name, b.name)))
    scores = (metric.value(first, None), metric.value(second, None))
    sign = 1.0 if metric.higher else -1.0
    tests: dict[str, float] = {}
    if metric.each is not None and metric.kind == "share":
        one, two = metric.each(first) > 0, metric.each(second) > 0
        found = mcnemar(one, two)
        tests = {"mcnemar_exact": found.exact, "mcnemar_mid_p": found.mid_p}
        difference, p_value, test = paired_share(one, two), found.mid_p, "McNemar, mid-p"
        posterior = share_posterior(one, two, rope)
    elif metric.each is not None:
        values = metric.each(second) - metric.each(first).astype(np.float64)
        difference, p_value, test = student(values), paired_t(values), "paired t-test"
        scale = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf
        posterior = t_posterior(sign * difference.value, scale, len(values) - 1, rope)
    else:
        difference, drawn = table_difference(first, second, metric)
        p_value, test = _exchange(first, second, metric), "exchange test"
        posterior = draws_posterior(sign * drawn, rope)
    return Comparison(
        a=a.name, b=b.name, metric=metric.name, difference=difference, scores=scores, p_value=p_value, p_holm=math.nan, test=test,
        posterior=posterior, rope=rope, verdict=_verdict(posterior), tests=tests,
    )  # fmt: skip


def table_difference(
    first: Scores, second: Scores, metric: Metric, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Estimate, NDArray[np.float64]]:
    """The difference second - first of a score of the whole set with its interval, and draws of it, [B].

    Balanced accuracy and macro-F1 are resampled in pairs. For ECE, whose bias no resampling of pairs removes, candidates are
    drawn from both models' confidence distributions as if they were independent, so the interval is wide where both models'
    errors go together; at n = 1,000 it covered 93.6 % (2,000 simulations, ``benchmarks/simulate.py``).

    Args:
        first: N examples.
        second: the same.
        metric: one of kind ``table``.
        resamples: of the bootstrap.
        seed: of all draws.
    """
    value, n = metric.value(second, None) - metric.value(first, None), len(first)
    if metric.name != "ece":
        drawn = np.array([metric.value(second, w) - metric.value(first, w) for w in resample(n, seed, resamples)])
        return percentile(value, drawn, n), drawn
    one, two = (ece_distribution(s, resamples=resamples, seed=seed).draw(20_000, seed + i) for i, s in enumerate((first, second)))
    return replace(percentile(value, two - one, n), method="difference of two test inversions, 95%"), two - one


def _exchange(first: Scores, second: Scores, metric: Metric) -> float:
    both = Scores.joined(first, second)
    n = len(first)

    def difference(exchanged: NDArray[np.bool_]) -> float:
        # Weights choose which model answers an example, so that nothing has to be computed anew.
        mine = np.concatenate([~exchanged, exchanged]).astype(np.float64)
        return metric.value(both, 1 - mine) - metric.value(both, mine)

    return exchange_test(difference, n)


def _verdict(posterior: Posterior) -> Verdict:
    if posterior.better >= SURE:
        return "better"
    if posterior.worse >= SURE:
        return "worse"
    return "equal" if posterior.equal >= SURE else "undecided"
