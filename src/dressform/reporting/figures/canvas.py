"""Style and saving of all figures."""

import functools
import io
import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dressform.core.files import write_atomic
from dressform.core.text import encodable, one_line
from dressform.reporting.figures.fonts import text_width, use_fonts_for
from dressform.runs.manifest import packages

TRAIN, VALIDATION = "#2b6cb0", "#c8630a"
"""Blue for training and orange for validation."""
CORRECT, WRONG = "#00785a", "#b83a00"
"""Bluish green and vermilion, which no kind of colour blindness confuses (Okabe and Ito); marks say
the same.
"""
METRIC_COLOURS = ("#2b6cb0", "#c8630a", "#00785a")

LONGEST_NAME, LONGEST_TITLE = 32, 80
"""Characters of a class or model that a figure has room for, at an axis and above."""
DPI = 120

P = ParamSpec("P")
Drawn = TypeVar("Drawn", Figure, Figure | None)


@contextmanager
def _style() -> Iterator[None]:
    """The look of all figures, whatever the user's matplotlibrc says; that stays as it was."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {"font.size": 10, "axes.titlesize": 11, "figure.titlesize": 12, "axes.axisbelow": True}
        )
        yield


def styled(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """A function that draws in the style of all figures."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        with _style():
            return draw(*args, **kwargs)

    return drawn


def new_figure(width: float, height: float, alt_text: str = "") -> Figure:
    """An empty figure of that size in inches, independent of pyplot.

    Args:
        width: in inches.
        height: in inches.
        alt_text: what the figure shows, for those who do not see it; :func:`save` writes it into
            the file.
    """
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    figure.set_label(alt_text)
    FigureCanvasAgg(figure)
    return figure


def short_name(name: str, most: int = LONGEST_NAME) -> str:
    """A name of others as a figure has room for it: on one line, the middle of a long one left
    out.
    """
    text = one_line(name)
    if len(text) <= most:
        return text
    end = min(11, (most + 2) // 3)
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def short_names(names: Sequence[str]) -> list[str]:
    """The same for names beside each other: those that would look alike get their numbers,
    counted from 1.
    """
    texts = [short_name(name) for name in names]
    counts = Counter(texts)
    return [
        f"{text} ({number})" if counts[text] > 1 else text for number, text in enumerate(texts, 1)
    ]


def fitted(name: str, inches: float, size: float) -> str:
    """A name in one or two lines that are no wider than that, its middle left out where it has to
    be.

    Args:
        name: any text.
        inches: room.
        size: of the font, in points.
    """
    for most in range(LONGEST_NAME, 3, -1):
        text = short_name(name, most)
        for lines in (text, _halves(text)):
            if max(text_width(line, size) for line in lines.split("\n")) <= 72 * inches:
                return lines
    return short_name(name, 3)


def _halves(text: str) -> str:
    """A text broken where words meet, near its middle."""
    breaks = [i + 1 for i, c in enumerate(text[:-1]) if c in " _-/"]
    where = min(breaks, key=lambda i: abs(2 * i - len(text)), default=0)
    return f"{text[:where].rstrip()}\n{text[where:]}" if where else text


def percent_axis(low: float, high: float) -> tuple[float, float]:
    """Where an axis of fractions starts and ends, so that what lies between ``low`` and ``high``
    (0..1) fills it: at whole 5 %, with room for the marks, 10 points or more apart.
    """
    start = max(0.0, (20 * low - 0.4) // 1 / 20)
    end = min(1.0, -((-20 * high - 0.4) // 1) / 20)
    if end - start < 0.1:
        start = max(0.0, end - 0.1)
        end = max(end, start + 0.1)
    room = 0.02 * (end - start)
    return start - room, end + room


def style_curves(axes: Axes, quantity: str) -> None:
    """Labels, grid and scale of a panel with loss or accuracy (0..1) by epoch."""
    axes.set_title("Accuracy" if quantity == "accuracy" else "Cross-entropy loss (nats)")
    style_epochs(axes)
    if quantity == "accuracy":
        axes.yaxis.set_major_formatter(percent_ticks())
        low, high = axes.get_ylim()
        axes.set_ylim(low, min(high, 1 + 0.02 * (1 - low)))
    else:
        axes.set_ylim(bottom=0)


def style_epochs(axes: Axes) -> None:
    """The axis and the grid of whatever is drawn by epoch."""
    axes.set_xlabel("Epoch")
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(whole_numbers())


def whole_numbers() -> MaxNLocator:
    """Ticks at whole numbers, in steps of 1, 2 or 5."""
    return MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])


def marker(epochs: int, kind: str = "o") -> str | None:
    """The mark of an epoch on a curve, as long as there is room for marks."""
    return kind if epochs <= 30 else None


def percent_ticks() -> FuncFormatter:
    """Ticks of an axis of fractions (0..1), with as many decimals as they need."""
    return FuncFormatter(lambda value, _: f"{100 * value:.4g} %")


def plain_numbers() -> FuncFormatter:
    """Ticks of a logarithmic axis as 0.001 and 1e-05: a formula would need a parser of formulas."""
    return FuncFormatter(lambda value, _: f"{value:g}")


def legend_below(figure: Figure, *axes: Axes, columns: int = 3) -> None:
    """One legend for panels, below them, where it covers nothing; each label once."""
    entries: dict[str, Artist] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            entries.setdefault(str(label), handle)
    if entries:
        figure.legend(
            list(entries.values()),
            list(entries),
            loc="outside lower center",
            ncols=min(columns, len(entries)),
            frameon=False,
        )


def slant_names(axes: Axes, degrees: int) -> None:
    """Turn the names under a panel, each still ending at its tick."""
    for label in axes.get_xticklabels():
        middle = "center" if degrees == 90 else "baseline"
        label.set(
            rotation=degrees,
            horizontalalignment="right",
            verticalalignment=middle,
            rotation_mode="anchor",
        )


def save(figure: Figure, path: Path, origin: Mapping[str, str] | None = None) -> Path:
    """Write a PNG at 120 dots per inch, atomically, the same bytes for the same figure.

    Its text chunks say what it shows (``Title``, ``Description``: the alternative text), and with
    what it was made.

    Args:
        figure: drawn.
        path: the file.
        origin: more chunks, such as ``Source`` (the run) and ``Comment`` (the command).
    """
    metadata = {
        "Title": _title(figure),
        "Description": str(figure.get_label()),
        **(origin or {}),
        "Software": f"dressform {packages().get('dressform', '')}".strip(),
    }
    buffer = io.BytesIO()
    with _style(), warnings.catch_warnings():
        # characters that the font lacks are drawn as boxes
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        use_fonts_for(figure)
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            text.set_parse_math(False)  # a name is no formula
        written = {key: encodable(text) for key, text in metadata.items() if text}
        # As savefig does, which draws twice: once for the layout alone.
        figure.set_dpi(DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
        imsave(buffer, pixels, format="png", origin="upper", dpi=DPI, metadata=written)
    write_atomic(path, lambda file: file.write(buffer.getvalue()))
    return path


def origin_of(folder: Path, name: str) -> dict[str, str]:
    """The text chunks of the figures of a run, a cross-validation or a tuning: what it is, and the
    command that draws them again. Of the path only the end is told, from ``runs`` on.
    """
    end = "/".join(folder.absolute().parts[-4:])
    return {"Source": f"{name} ({end})", "Comment": f"dressform figures {shlex.quote(end)}"}


def _title(figure: Figure) -> str:
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes[:1])]
    return " ".join(next((title for title in titles if title), "").split())
