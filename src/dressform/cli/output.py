"""What goes to stdout (results) and to stderr (progress and errors)."""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from dressform.core.numbers import percent, percent_range, points
from dressform.core.text import counted, one_line, printable

if TYPE_CHECKING:
    from dressform.runs.crossval import CrossvalSummary


class Shown:
    """stdout or stderr. Where nobody reads any more (``dressform train … | head -1``), what is
    written is lost, and the work goes on.

    Args:
        stream: where the rest goes.
        name: of the stream, for messages.
        escape: write nothing that steers a terminal, since names of files and classes are
            anybody's. What is shown in place of such characters, ``\\u001b``, JSON reads as the
            characters; lines end as they are told to. A live display steers, so that stderr is not
            escaped; what is shown there is, line by line.

    Attributes:
        closed_by_reader: whether what is written is lost.
    """

    def __init__(self, stream: TextIO, name: str, *, escape: bool) -> None:
        self._stream, self._name, self._escape = stream, name, escape
        self.closed_by_reader = False

    def write(self, text: str) -> int:
        """Write."""
        shown = printable(text) if self._escape else text
        self._unless_closed(lambda: self._stream.write(shown))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        self._unless_closed(self._stream.flush)

    def _unless_closed(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BrokenPipeError:
            self.closed_by_reader = True
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # what is still buffered, too
            os.close(nowhere)
        except OSError as error:  # a full disk, most often
            raise OSError(error.errno, error.strerror, self._name) from error

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
        translate: puts the running command's options in the place of Python's arguments.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.show: Callable[[str], None] = say
        self.translate: Callable[[str], str] = str
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, once; warnings are notes."""
        note = "note: " if record.levelno >= logging.WARNING else ""
        line = f"{note}{record.getMessage()}"
        if line != self._last:
            self.show(self.translate(line))
        self._last = line


messages = Messages()


def show_messages() -> None:
    """Show the library's messages from now on."""
    logger = logging.getLogger("dressform")
    logger.setLevel(logging.INFO)
    logger.addHandler(messages)
    logger.propagate = False


def describe_folds(summary: "CrossvalSummary") -> str:
    """``mean 91.23 %, s.d. 0.21 points over 5 folds, 90.80 to 91.66 % (…, 95 %)``."""
    groups = "" if summary.groups is None else f" of {counted(summary.groups, 'group')}"
    return (
        f"mean {percent(summary.mean)}, s.d. {points(summary.sd)} over "
        f"{counted(len(summary.folds), 'fold')}{groups}, "
        f"{percent_range(summary.low, summary.high)} % ({summary.method})"
    )
