"""What goes to stdout (results) and to stderr (progress and errors)."""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from dressform.core.text import columns, one_line, padded, printable

if TYPE_CHECKING:
    from dressform.runs.crossval import CrossvalSummary


class Escaped:
    """A stream to which nothing is written that steers a terminal: names of files and classes are
    anybody's.

    What it shows in place of such characters, ``\\u001b``, JSON reads as the characters. Lines end
    as they are told to.

    Args:
        stream: where the rest goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, escaped."""
        return self._stream.write(printable(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


def say(text: str) -> None:
    """A line for the user on stderr, out of the way of results."""
    print(one_line(text), file=sys.stderr, flush=True)


class Messages(logging.Handler):
    """Shows what the library logs to the user, on stderr.

    Attributes:
        show: what prints a line; a live display takes it over while it is open.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.show: Callable[[str], None] = say
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, once; warnings are notes."""
        note = "note: " if record.levelno >= logging.WARNING else ""
        line = f"{note}{record.getMessage()}"
        if line != self._last:
            self.show(line)
        self._last = line


messages = Messages()


def show_messages() -> None:
    """Show the library's messages from now on."""
    logger = logging.getLogger("dressform")
    logger.setLevel(logging.INFO)
    logger.addHandler(messages)
    logger.propagate = False


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns of text on stdout, as wide as their contents."""
    rows = [tuple(one_line(cell) for cell in row) for row in rows]
    widths = [max(columns(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print(
            "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def percent(fraction: float | None) -> str:
    """``93.40 %``, or ``-`` for None."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"


def describe_folds(summary: "CrossvalSummary") -> str:
    """``mean 91.23 %, s.d. 0.21 points, 90.80 to 91.66 % (…, 95 %)``."""
    return (
        f"mean {100 * summary.mean:.2f} %, s.d. {100 * summary.sd:.2f} points over "
        f"{len(summary.folds)} folds"
        f"{'' if summary.groups is None else f' of {summary.groups:,} groups'},"
        f" {100 * summary.low:.2f} to {100 * summary.high:.2f} % ({summary.method})"
    )
