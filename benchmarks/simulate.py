"""How often every interval covers the truth, and how often every test rejects where there is no
difference.

    python benchmarks/simulate.py [--draws 10000] [--resamples 199]

Predictions are drawn from a world whose truth is known: logits from a fixed population, labels from
their softmax, and models that report these logits, colder ones, or noisy ones. Truths are exact
expectations over the population, written here on their own and not computed by dressform. What
needs resampling at each draw has n = 1,000 and fewer resamples than the command line takes, half of
them for ECE; the two slowest lines have a fifth of the draws. It takes about a quarter of an hour
on one core.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import write_report

from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.compare import bootstrap_difference
from dressform.evaluation.evaluate import estimates
from dressform.evaluation.intervals import Estimate, across_folds, student, wilson, wilson_f1
from dressform.evaluation.metrics import METRICS, Scores, confusion_matrix, macro_f1
from dressform.evaluation.significance import (
    corrected_resampled_t,
    mcnemar,
    paired_proportions,
    paired_t,
    permutation_test,
)
from dressform.predictions import Predictions, softmax

POPULATION, CLASSES = 200_000, 10
LEVELS = (0.01, 0.05, 0.10)
COLDER = (1.1, 1.5)
"""What the logits of over-confident models are multiplied by."""
Floats = NDArray[np.float64]


class World:
    """A population of examples, what is true of each, and what some models say about it.

    The rarest class has 3.5 % of the examples and the most frequent 20 %; accuracy of the
    calibrated model is 0.87.
    """

    def __init__(self) -> None:
        random = np.random.default_rng(20)
        drawn = random.normal(scale=8, size=(POPULATION, CLASSES)) + np.linspace(-4, 4, CLASSES)
        logits: NDArray[np.float32] = drawn.astype(np.float32)
        self.chance = softmax(logits)
        self._sums = self.chance.cumsum(axis=1)
        self.models: dict[str, NDArray[np.float32]] = {
            "calibrated": logits,
            **{f"over-confident x {c}": logits * np.float32(c) for c in COLDER},
        }
        self.models["rival"] = (logits + random.normal(scale=2, size=logits.shape)).astype(
            np.float32
        )
        self._twins = [
            (logits + random.normal(scale=2, size=logits.shape)).astype(np.float32)
            for _ in range(2)
        ]
        self._ids = np.array([f"{i:05d}" for i in range(10_000)])
        self._names = tuple(str(k) for k in range(CLASSES))

    def draw(
        self, n: int, random: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which examples, with replacement, and labels for them, both int64 [n]."""
        chosen = random.integers(0, POPULATION, n)
        labels = (self._sums[chosen] < random.random((n, 1))).sum(axis=1)
        return chosen, np.minimum(labels, CLASSES - 1)

    def scores(self, model: str, chosen: NDArray[np.int64], labels: NDArray[np.int64]) -> Scores:
        """What a model says of the examples drawn."""
        return self._scores(self.models[model][chosen], labels)

    def twins(self, n: int, random: np.random.Generator) -> tuple[Scores, Scores]:
        """Two models that are equally good: which of them is the first is drawn again for each
        example.
        """
        chosen, labels = self.draw(n, random)
        one, two, swap = self._twins[0][chosen], self._twins[1][chosen], random.random((n, 1)) < 0.5
        return self._scores(np.where(swap, two, one), labels), self._scores(
            np.where(swap, one, two), labels
        )

    def _scores(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Scores:
        return Scores(Predictions(self._ids[: len(labels)], labels, logits, self._names))

    def truth(self, model: str) -> dict[str, float]:
        """The exact value of each score, and of the rarest class's precision, recall and F1."""
        logits, chance = self.models[model].astype(np.float64), self.chance
        said = softmax(logits)
        predicted = logits.argmax(axis=1)
        order = np.argsort(-logits, axis=1)
        hit = np.take_along_axis(chance, order, axis=1)
        table = (
            np.stack([chance[predicted == k].sum(axis=0) for k in range(CLASSES)], axis=1)
            / POPULATION
        )
        right, true, claimed = np.diag(table), table.sum(axis=1), table.sum(axis=0)
        f1 = 2 * right / (true + claimed)
        surprise = np.log(np.exp(logits - logits.max(axis=1)[:, None]).sum(axis=1)) + logits.max(
            axis=1
        )
        confidence = said.max(axis=1)
        edges = np.searchsorted(np.linspace(0, 1, 16)[1:-1], confidence)
        gaps = (
            np.bincount(edges, chance[np.arange(POPULATION), predicted] - confidence, minlength=15)
            / POPULATION
        )
        return {
            "accuracy": float(hit[:, 0].mean()),
            "top2": float(hit[:, :2].sum(axis=1).mean()),
            "top3": float(hit[:, :3].sum(axis=1).mean()),
            "nll": float((surprise - (chance * logits).sum(axis=1)).mean()),
            "brier": float(((said**2).sum(axis=1) - 2 * (chance * said).sum(axis=1) + 1).mean()),
            "balanced_accuracy": float((right / true).mean()),
            "macro_f1": float(f1.mean()),
            "ece": float(np.abs(gaps).sum()),
            "precision": float(right[0] / claimed[0]),
            "recall": float(right[0] / true[0]),
            "f1": float(f1[0]),
        }


@dataclass
class Coverage:
    """Counts of one interval."""

    what: str
    n: int
    truth: float
    draws: int = 0
    below: int = 0
    above: int = 0
    width: float = 0.0
    method: str = ""

    def add(self, found: Estimate) -> None:
        """Count one interval."""
        self.draws += 1
        self.below += self.truth < found.low - 1e-12
        self.above += self.truth > found.high + 1e-12
        self.width += found.high - found.low
        self.method = found.method

    def to_json(self) -> dict[str, Any]:
        """Counts and shares."""
        share = 1 - (self.below + self.above) / self.draws
        return {
            "what": self.what,
            "n": self.n,
            "draws": self.draws,
            "truth": self.truth,
            "coverage": round(share, 4),
            "truth_below": self.below,
            "truth_above": self.above,
            "mean_width": self.width / self.draws,
            "method": self.method,
        }


@dataclass
class Tally:
    """All counts, by name."""

    coverage: dict[tuple[str, int], Coverage] = field(default_factory=dict)
    p_values: dict[str, list[float]] = field(default_factory=dict)

    def cover(self, what: str, n: int, truth: float, found: Estimate) -> None:
        """Count one interval of a name."""
        self.coverage.setdefault((what, n), Coverage(what, n, truth)).add(found)

    def reject(self, what: str, p_value: float) -> None:
        """Keep one p-value of a name."""
        self.p_values.setdefault(what, []).append(p_value)


def cheap(world: World, tally: Tally, n: int, draws: int) -> None:
    """Intervals in closed form, and the tests of two equally good models."""
    random = np.random.default_rng(n)
    metrics = [metric for metric in METRICS.values() if metric.per_example is not None]
    own, rival = world.truth("calibrated"), world.truth("rival")
    cold = world.truth(f"over-confident x {COLDER[1]}")
    for _ in range(draws):
        chosen, labels = world.draw(n, random)
        first, second = (world.scores(model, chosen, labels) for model in ("calibrated", "rival"))
        for name, found in estimates(metrics, first).items():
            tally.cover(name, n, own[name], found)
        over = world.scores(f"over-confident x {COLDER[1]}", chosen, labels)
        tally.cover("nll, over-confident", n, cold["nll"], student(over.nll))
        tally.cover("brier, over-confident", n, cold["brier"], student(over.brier))
        table = confusion_matrix(labels, first.predicted, CLASSES)
        hits, true, claimed = int(table[0, 0]), int(table[0].sum()), int(table[:, 0].sum())
        tally.cover("precision of the rarest class", n, own["precision"], wilson(hits, claimed))
        tally.cover("recall of the rarest class", n, own["recall"], wilson(hits, true))
        tally.cover(
            "F1 of the rarest class", n, own["f1"], wilson_f1(hits, true + claimed - 2 * hits)
        )
        difference = paired_proportions(first.correct, second.correct)
        tally.cover("difference of accuracy", n, rival["accuracy"] - own["accuracy"], difference)
        tally.cover(
            "difference of nll", n, rival["nll"] - own["nll"], student(second.nll - first.nll)
        )
        one, two = world.twins(n, random)
        pair = mcnemar(one.correct, two.correct)
        tally.reject(f"McNemar, exact, n = {n}", pair.exact)
        tally.reject(f"McNemar, mid-p, n = {n}", pair.mid_p)
        tally.reject(f"paired t of nll, n = {n}", paired_t(two.nll - one.nll))


def resampled(world: World, tally: Tally, n: int, draws: int, resamples: int) -> None:
    """Balanced accuracy, macro-F1, and the difference of two models' macro-F1."""
    random = np.random.default_rng(n + 1)
    metrics = [METRICS["balanced_accuracy"], METRICS["macro_f1"]]
    own, rival = world.truth("calibrated"), world.truth("rival")
    for seed in range(draws):
        chosen, labels = world.draw(n, random)
        first, second = (world.scores(model, chosen, labels) for model in ("calibrated", "rival"))
        for name, found in estimates(metrics, first, resamples=resamples).items():
            tally.cover(name, n, own[name], found)
        difference, _ = bootstrap_difference(
            first, second, METRICS["macro_f1"], resamples=resamples, seed=seed
        )
        tally.cover("difference of macro_f1", n, rival["macro_f1"] - own["macro_f1"], difference)


def calibration(world: World, tally: Tally, n: int, draws: int, resamples: int) -> None:
    """ECE of a calibrated model and of over-confident ones."""
    for model in ("calibrated", *(f"over-confident x {c}" for c in COLDER)):
        random, truth = np.random.default_rng(n + 2), world.truth(model)["ece"]
        for seed in range(draws):
            found = ece_distribution(
                world.scores(model, *world.draw(n, random)), resamples=resamples, seed=seed
            ).interval()
            tally.cover(f"ece, {model}", n, truth, found)


def slow(world: World, tally: Tally, n: int, draws: int, resamples: int) -> None:
    """The difference of two ECEs, and the permutation test."""
    random = np.random.default_rng(n + 3)
    cold = f"over-confident x {COLDER[1]}"
    truth = world.truth(cold)["ece"] - world.truth("calibrated")["ece"]
    for seed in range(draws):
        chosen, labels = world.draw(n, random)
        first, second = (world.scores(model, chosen, labels) for model in ("calibrated", cold))
        difference, _ = bootstrap_difference(
            first, second, METRICS["ece"], resamples=resamples, seed=seed
        )
        tally.cover("difference of ece", n, truth, difference)
        one, two = world.twins(n, random)
        both = Scores.joined(one, two)

        def gain(exchanged: NDArray[np.bool_], both: Scores = both) -> float:
            mine = np.concatenate([~exchanged, exchanged]).astype(np.float64)
            return macro_f1(both, 1 - mine) - macro_f1(both, mine)

        tally.reject(
            f"permutation test of macro_f1, n = {n}",
            permutation_test(gain, n, seed=seed, draws=resamples),
        )


def folds(tally: Tally, draws: int) -> None:
    """Scores over folds, correlated as the method takes them to be: 1 / K for each two."""
    random = np.random.default_rng(4)
    for k, repeats in ((5, 1), (10, 1), (5, 3)):
        shared, own = random.normal(size=(draws, 1)), random.normal(size=(draws, k * repeats))
        scores: Floats = 0.01 * (np.sqrt(1 / k) * shared + np.sqrt(1 - 1 / k) * own)
        for row in scores:
            tally.cover(
                f"mean over {repeats} x {k} folds, correlation 1 / K",
                k * repeats,
                0.9,
                across_folds(0.9 + row, k),
            )
            tally.reject(
                f"corrected resampled t, {repeats} x {k} folds, correlation 1 / K",
                corrected_resampled_t(row, k),
            )


def main() -> None:
    """Simulate and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=199)
    options = parser.parse_args()
    draws, resamples = options.draws, options.resamples
    world, tally = World(), Tally()
    parts: list[Callable[[], None]] = [
        lambda: folds(tally, draws),
        lambda: cheap(world, tally, 1_000, draws),
        lambda: cheap(world, tally, 10_000, draws),
        lambda: resampled(world, tally, 1_000, draws, resamples),
        lambda: calibration(world, tally, 1_000, draws, resamples // 2),
        lambda: slow(world, tally, 1_000, draws // 5, resamples),
    ]
    for number, part in enumerate(parts, 1):
        started = time.perf_counter()
        part()
        print(f"part {number} of {len(parts)}: {time.perf_counter() - started:.0f} s", flush=True)
    intervals = [found.to_json() for found in tally.coverage.values()]
    rejections: list[dict[str, Any]] = []
    for what, values in tally.p_values.items():
        rates = {str(level): float((np.array(values) <= level).mean()) for level in LEVELS}
        rejections.append({"what": what, "draws": len(values), "rejected": rates})
    for row in intervals:
        print(f"{row['what']:50}  n = {row['n']:6}  {100 * row['coverage']:6.2f} %")
    for row in rejections:
        print(
            f"{row['what']:50}  "
            + "  ".join(f"{100 * rate:5.2f} %" for rate in row["rejected"].values())
        )
    results = {
        "draws": draws,
        "resamples": resamples,
        "intervals": intervals,
        "rejections": rejections,
    }
    write_report(
        "simulate",
        f"python benchmarks/simulate.py --draws {draws} --resamples {resamples}",
        results,
    )


if __name__ == "__main__":
    main()
