"""Is the model right as often as it says? Reliability diagrams, and calibration over the epochs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from dressform.evaluation.calibrate import Calibration
from dressform.evaluation.calibration import reliability
from dressform.evaluation.intervals import wilson
from dressform.report.figures.canvas import RIGHT, TRAIN, VALIDATION, new_figure


def draw_reliability(calibration: Calibration, title: str) -> Figure:
    """Two reliability diagrams, before and after temperature scaling, over histograms of the
    confidence.

    Args:
        calibration: of the predictions.
        title: over both.
    """
    figure = new_figure(10, 5.2)
    figure.suptitle(title)
    grid = figure.subplots(2, 2, sharex=True, height_ratios=[4, 1])
    sides = (
        ("as it is", calibration.unscaled, calibration.before),
        (
            f"with {calibration.temperature}, fitted on other examples",
            calibration.scaled,
            calibration.after,
        ),
    )
    for column, (word, predictions, scores) in enumerate(sides):
        found = reliability(predictions)
        axes, below = grid[0, column], grid[1, column]
        full = found.count > 0
        axes.plot(
            [0, 1],
            [0, 1],
            color="#888888",
            linestyle="--",
            linewidth=1,
            label="right as often as it says",
        )
        label = "the model, 95 % intervals"
        axes.plot(
            found.confidence[full],
            found.accuracy[full],
            color=TRAIN,
            marker="o",
            markersize=4,
            clip_on=False,
            label=label,
        )
        axes.vlines(
            found.confidence[full],
            found.confidence[full],
            found.accuracy[full],
            color=VALIDATION,
            linewidth=3,
            alpha=0.5,
            label="gap",
        )
        reach = [
            wilson(round(a * n), n)
            for a, n in zip(found.accuracy[full].tolist(), found.count[full].tolist(), strict=True)
        ]
        axes.vlines(
            found.confidence[full],
            [e.low for e in reach],
            [e.high for e in reach],
            color=TRAIN,
            linewidth=1,
        )
        ece, nll = scores["ece"], scores["nll"]
        axes.set_title(
            f"{word}\nECE {100 * ece.value:.2f} % ({100 * ece.low:.2f} to {100 * ece.high:.2f}), "
            f"NLL {nll.value:.3f}"
        )
        axes.set_ylabel("share that is right")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.grid(alpha=0.3)
        below.bar(
            found.edges[:-1],
            found.count / found.count.sum(),
            width=np.diff(found.edges),
            align="edge",
            color=TRAIN,
            alpha=0.5,
        )
        below.set_ylabel("examples")
        below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        below.set_xlabel("probability of the predicted class")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    return figure


def draw_calibration_history(
    histories: Sequence[Sequence[dict[str, Any]]], title: str
) -> Figure | None:
    """NLL, ECE and accuracy on held-out examples over the epochs, on one chart.

    It shows why the validation loss may rise while the accuracy rises too: the network goes on
    getting answers right and becomes surer of the wrong ones; the NLL pays for that, the accuracy
    does not, and ECE tells it.

    Args:
        histories: the rows of results.csv, of one training or of each fold.
        title: over the chart.

    Returns:
        the figure, or None where there was no validation or ECE was not recorded.
    """
    longest = max(len(rows) for rows in histories)
    means = {name: _mean(histories, f"val_{name}", longest) for name in ("loss", "ece", "accuracy")}
    if any(np.isnan(values).all() for values in means.values()):
        return None
    figure = new_figure(8, 4.4)
    axes = figure.subplots()
    epochs = np.arange(1, longest + 1)
    marker = "o" if longest <= 30 else None
    lines = axes.plot(
        epochs, means["loss"], color=VALIDATION, marker=marker, markersize=4, label="NLL (left)"
    )
    axes.set_ylabel("NLL in nats")
    axes.set_xlabel("epoch")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    right = axes.twinx()
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.set_ylabel("share of the held-out examples")
    lines += right.plot(
        epochs,
        1 - means["accuracy"],
        color=TRAIN,
        marker=marker,
        markersize=4,
        label="errors, 1 − accuracy (right)",
    )
    lines += right.plot(
        epochs, means["ece"], color=RIGHT, marker=marker, markersize=4, label="ECE (right)"
    )
    right.set_ylim(bottom=0)
    figure.legend(
        lines,
        [str(line.get_label()) for line in lines],
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    axes.set_title(f"{title}\n{_reading(means)}")
    return figure


def _mean(
    histories: Sequence[Sequence[dict[str, Any]]], column: str, longest: int
) -> NDArray[np.float64]:
    values = np.full((len(histories), longest), np.nan)
    for i, rows in enumerate(histories):
        values[i, : len(rows)] = [
            np.nan if row.get(column) is None else row[column] for row in rows
        ]
    counts = (~np.isnan(values)).sum(axis=0)
    means: NDArray[np.float64] = np.divide(
        np.nansum(values, axis=0), counts, out=np.full(longest, np.nan), where=counts > 0
    )
    return means


def _reading(means: dict[str, NDArray[np.float64]]) -> str:
    loss, accuracy, ece = means["loss"], means["accuracy"], means["ece"]
    best = int(np.nanargmin(loss))
    if best == len(loss) - 1:
        return "NLL is lowest at the end"
    lowest = f"NLL is lowest after epoch {best + 1}"
    if accuracy[-1] > accuracy[best] and ece[-1] > ece[best]:
        return f"{lowest}; later answers are more often right, but too sure (ECE rises)"
    return lowest
