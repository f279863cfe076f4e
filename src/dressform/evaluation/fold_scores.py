"""`FoldScores`: the metrics of a cross-validation, fold by fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev

from dressform.core.display import brief, table
from dressform.core.text import counted
from dressform.evaluation.intervals import Estimate, across_folds
from dressform.evaluation.metrics import METRICS, Metric


@dataclass(frozen=True)
class FoldScores:
    """Metrics over the folds of a cross-validation, which speak for the recipe, not for one model.

    Attributes:
        folds: K.
        repeats: number of repeats.
        scores: of each fold by metric name, repeat by repeat, [R * K] each.
    """

    folds: int
    repeats: int
    scores: Mapping[str, Sequence[float]]

    def __repr__(self) -> str:
        return brief(self, self.title, f"accuracy {self.text(METRICS['accuracy'])}")

    def _repr_html_(self) -> str:
        rows = [[METRICS[name].title, self.text(METRICS[name])] for name in self.scores]
        return table([self.title, ""], rows)

    @property
    def title(self) -> str:
        """``means over 5 folds``."""
        repeats = f", {self.repeats} times" if self.repeats > 1 else ""
        return f"means over {counted(self.folds, 'fold')}{repeats}"

    def mean(self, metric: Metric) -> Estimate:
        """The mean of a metric, with its interval."""
        estimate = across_folds(self.scores[metric.name], self.folds)
        return estimate.clip(0, metric.maximum)

    def sd(self, metric: Metric) -> float:
        """The standard deviation of a metric between folds, in its units."""
        return stdev(self.scores[metric.name])

    def text(self, metric: Metric) -> str:
        """``93.40 % ± 0.31 (92.90 to 93.87, …, n = 5)``: mean, s.d. and interval."""
        mean, sd = self.mean(metric), self.sd(metric)
        spread = f"{100 * sd:.2f}" if metric.percent else f"{sd:.4f}"
        return (
            f"{metric.text(mean.value)} ± {spread} ({metric.span(mean.low, mean.high)}, "
            f"{mean.method}, n = {mean.n:,})"
        )

    def to_json(self) -> dict[str, object]:
        """Mean, interval and ``sd`` by metric name, and the numbers of folds and repeats."""
        estimates = {
            name: {**self.mean(METRICS[name]).to_json(), "sd": self.sd(METRICS[name])}
            for name in self.scores
        }
        return {"folds": self.folds, "repeats": self.repeats, "estimates": estimates}
