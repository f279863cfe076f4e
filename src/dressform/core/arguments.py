"""What callers give, checked and brought to one type."""

import numbers
import operator
from pathlib import Path
from typing import Any

from dressform.core.errors import ConfigError


def argument(name: str, value: object) -> str:
    """An argument as a call spells it, such as ``groups='(sku\\\\d+)_'``; the command line puts its
    own options in the place of such text.
    """
    if isinstance(value, Path):
        value = str(value)
    return f"{name}={list(value) if isinstance(value, tuple) else value!r}"


def whole_number(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    """A whole number of Python's or NumPy's, as Python's.

    Raises:
        ConfigError: it is none, or out of range.
    """
    allowed = f"{least} or more" if most is None else f"{least} to {most}"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ConfigError(
            f"{name} is {value!r} ({type(value).__name__}); allowed: a whole number, {allowed}"
        ) from None
    if number < least or (most is not None and number > most):
        raise ConfigError(f"{name} is {number}; allowed: {allowed}")
    return number


def fraction(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, numbers.Real) or not 0 <= float(value) <= 1:
        raise ConfigError(f"{name} is {value!r}; allowed: a number from 0 to 1")
    return float(value)
