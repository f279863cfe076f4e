"""A live line under a call from Python: in a terminal it is rewritten in place, in a notebook it is
a bar of plain HTML, which needs no widgets.
"""

import html
import logging
import os
import shutil
import sys
import time
from importlib import import_module
from typing import Any, Protocol, TextIO

from dressform.core.text import columns, one_line

logger = logging.getLogger("dressform")


class LiveLine(Protocol):
    """One line that changes."""

    def show(self, text: str, fraction: float | None) -> None:
        """Show this, and a bar where a fraction of 0 to 1 is known, if the last was long ago."""

    def end(self, text: str) -> None:
        """Leave this text behind; nothing where it is empty."""


def live_line() -> LiveLine | None:
    """A line where somebody can see it change: in a notebook, or on a terminal; else None."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return NotebookLine()
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return TerminalLine(sys.stderr)
    return None


class TerminalLine(logging.Handler):
    """On a terminal; warnings of the library appear above it.

    Args:
        stream: the terminal.
    """

    INTERVAL = 0.1
    """Seconds between two changes."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.WARNING)
        self._stream, self._shown_at, self._text = stream, -self.INTERVAL, ""
        logger.addHandler(self)

    def show(self, text: str, fraction: float | None) -> None:
        """Rewrite the line."""
        if time.monotonic() - self._shown_at < self.INTERVAL:
            return
        self._shown_at = time.monotonic()
        bar = "" if fraction is None else f"{_bar(fraction)} {100 * fraction:3.0f} %  "
        self._write(one_line(f"{bar}{text}"))

    def end(self, text: str) -> None:
        """Leave a text behind."""
        logger.removeHandler(self)
        self._write("")
        if text:
            self._stream.write(f"{one_line(text)}\n")
        self._stream.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Make room for a warning; where no other handler prints it, print it as Python would."""
        shown, self._text = self._text, ""
        self._stream.write("\r\x1b[K")
        if logger.handlers == [self] and not (logger.propagate and logging.root.handlers):
            self._stream.write(f"{one_line(record.getMessage())}\n")
        self._stream.flush()
        self._text, self._shown_at = shown, -self.INTERVAL

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        while columns(text) > width:
            text = text[: -max(1, columns(text) - width)]
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()
        self._text = text


class NotebookLine:
    """In a notebook's output."""

    INTERVAL = 0.25
    """Seconds between two changes: each is a message to the browser."""

    def __init__(self) -> None:
        self._shown_at = -self.INTERVAL
        self._handle: Any = None

    def show(self, text: str, fraction: float | None) -> None:
        """Replace the output."""
        if time.monotonic() - self._shown_at < self.INTERVAL:
            return
        self._shown_at = time.monotonic()
        value = "" if fraction is None else f' value="{fraction:.4f}"'
        self._display(
            text,
            f'<progress max="1"{value} style="width: 12em; vertical-align: middle"></progress> '
            f"{html.escape(one_line(text))}",
        )

    def end(self, text: str) -> None:
        """Replace the output for good."""
        if text or self._handle is not None:
            self._display(text, html.escape(one_line(text)))

    def _display(self, text: str, markup: str) -> None:
        data = {"text/plain": one_line(text), "text/html": f"<div>{markup}</div>"}
        if self._handle is None:
            self._handle = import_module("IPython.display").display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def _bar(fraction: float, width: int = 20) -> str:
    eighths = round(8 * width * min(1.0, max(0.0, fraction)))
    full, rest = divmod(eighths, 8)
    return ("█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")).ljust(width, "░")
