"""Errors are small letters to the user: what came, what was allowed, what to do.

Every error that dressform raises on purpose is a :class:`DressformError` whose text is one line.
The command line prints that line and exits with 1; nothing else in the package prints errors or
exits.
"""

import difflib
import re
from collections.abc import Iterable, Sequence

from dressform.core.text import one_line

LONGEST = 1500
"""Characters of a message; what is left out of a longer one is in its middle."""


class DressformError(Exception):
    """Base of all errors with a message meant for the user: one line, whatever names are in it."""

    def __init__(self, message: str = "") -> None:
        text = one_line(message)
        # A damaged file can hold a name of a million characters.
        super().__init__(
            text if len(text) <= LONGEST else f"{text[: LONGEST - 200]} … {text[-190:]}"
        )


class ConfigError(DressformError):
    """A recipe, setting or option that cannot be used."""


class DataError(DressformError):
    """A data file, folder or image that cannot be used."""


class MistakenDataError(DataError):
    """Data that are another well-known dataset than they are called."""


class BadFilesError(DataError):
    """Files of a dataset that cannot be read.

    Attributes:
        bad: (path, reason) of every one of them.
        images: how many there are, these included.
    """

    def __init__(self, message: str, bad: Sequence[tuple[str, str]], images: int) -> None:
        super().__init__(message)
        self.images = images
        self.bad = tuple(bad)


class RunError(DressformError):
    """A run directory that is missing, unfinished, newer than this version, or in the way."""


class TrainingError(DressformError):
    """A training that cannot continue, such as one whose loss is no longer finite."""


class ResourceError(DressformError):
    """Memory, file handles or time that this machine does not give; no file is at fault."""


class OutOfTimeError(ResourceError):
    """What is not over by its deadline, and is given up."""


class UnknownNameError(ConfigError):
    """A name that is not in a list of known names."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error of Python's, torch's or ONNX Runtime's says that there is not enough
    memory.
    """
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        words in text for words in ("allocate memory", "out of memory", "bad_alloc")
    )


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that a mistyped one may stand for, in alphabetical order: those that
    differ in case or lack their section (``lr`` of ``optim.lr``), else the nearest, what begins
    with the name, and what is about as near.
    """
    names = list(known)
    written = name.lower()
    same = [one for one in names if written in (one.lower(), one.lower().rpartition(".")[2])]
    if same:
        return sorted(same)[:3]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    ratios = {one: difflib.SequenceMatcher(None, one, name).ratio() for one in near}
    best = max(ratios.values(), default=0)
    return sorted(one for one in near if one.startswith(name) or ratios[one] > best - 0.1)


def alternatives(names: Sequence[str]) -> str:
    """``fast``, ``fast or fast-93``, ``fast, fast-93 or fast-95``."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def unknown_name(
    kind: str, name: str, known: Iterable[str], meant: Sequence[str] = ()
) -> UnknownNameError:
    """Build the error for a mistyped name, with the nearest known names.

    Args:
        kind: what the name stands for, such as ``"recipe"`` or ``"split of small.npz"``.
        name: what the user wrote.
        known: every allowed name.
        meant: what is proposed, if that is known better than by spelling.
    """
    names = list(known)
    near = list(meant) or nearest(name, names)
    hint = f"did you mean {alternatives(near)}? " if near else ""
    noun, *where = re.split(r"(?= (?:of|in) )", kind, maxsplit=1)
    return UnknownNameError(
        f"unknown {noun} {name!r}{''.join(where)}; {hint}available: {', '.join(names)}"
    )
