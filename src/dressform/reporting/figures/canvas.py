"""Style and saving of all figures."""

import io
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from dressform.core.files import write_atomic
from dressform.core.text import one_line
from dressform.reporting.figures.fonts import use_fonts_for

TRAIN, VALIDATION = "#2b6cb0", "#dd7a1f"
"""Blue for training and orange for validation, as in tutorial 1."""
CORRECT, WRONG = "#1a8f3c", "#d03030"
BARS = ("#4c78a8", "#f2a55f", "#72b7a1")


LONGEST_NAME, LONGEST_TITLE = 32, 80
"""Characters of a class or model that a figure has room for, at an axis and above."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, independent of pyplot."""
    matplotlib.rcParams.update({"font.size": 10, "axes.titlesize": 11, "figure.titlesize": 12})
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def short_name(name: str, most: int = LONGEST_NAME) -> str:
    """A name of others as a figure has room for it: on one line, the middle of a long one left
    out, and nothing in it a formula.
    """
    text = one_line(name)
    text = text if len(text) <= most else f"{text[: most - 12]}…{text[-11:]}"
    return text.replace("$", r"\$")


def short_names(names: Sequence[str]) -> list[str]:
    """The same for names beside each other: those that would look alike get their numbers,
    counted from 1.
    """
    texts = [short_name(name) for name in names]
    counts = Counter(texts)
    return [
        f"{text} ({number})" if counts[text] > 1 else text for number, text in enumerate(texts, 1)
    ]


def style_curves(axes: Axes, quantity: str) -> None:
    """Labels, grid and scale of a panel with loss or accuracy (0..1) by epoch."""
    axes.set_xlabel("Epoch")
    axes.set_title("Accuracy" if quantity == "accuracy" else "Cross-entropy loss (nats)")
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if quantity == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    else:
        axes.set_ylim(bottom=0)
    axes.legend()


def hide_axes(axes: Axes) -> None:
    """Hide frame and ticks, for images."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG at 120 dots per inch, atomically, the same bytes for the same figure."""
    use_fonts_for(figure)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # characters that the font lacks are drawn as boxes
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    write_atomic(path, lambda file: file.write(buffer.getvalue()))
    return path
