"""The space of a tuning: which settings vary, and over what.

    optim.lr=log:1e-4:1e-1      a number, uniform in its logarithm
    model.dropout=0:0.5         a number, uniform; 0:0.5:0.1 in steps of 0.1
    model.depth=1,2,3           one of these; with ; between choices that hold commas:
    model.widths=16,32;32,64

A range over a whole-number setting gives whole numbers. Both ends are included.
"""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dressform.core.config import override
from dressform.core.errors import ConfigError
from dressform.runs.tuning import Value
from dressform.training.recipe import Recipe

_FORMS = "path=log:LOW:HIGH, path=LOW:HIGH or path=a,b,c, such as optim.lr=log:1e-4:1e-1"
MOST_STEPS = 1_000_000
_HOLD_OUT = ("validation_fraction", "split_seed")


@dataclass(frozen=True, kw_only=True)
class Range:
    """A setting that is a number.

    Attributes:
        path: of the setting.
        text: the range as it was written.
        low, high: ends, both included; both int or both float.
        log: uniform in the logarithm.
        step: distance of neighbouring values from ``low`` on, or None.
    """

    path: str
    text: str
    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def extremes(self) -> tuple[Value, ...]:
        """Both ends."""
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A setting that is one of several values.

    Attributes:
        path: of the setting.
        text: the choices as they were written.
        values: two or more, numbers where the setting is a number, else as ``--set`` takes them.
    """

    path: str
    text: str
    values: tuple[Value, ...]

    @property
    def extremes(self) -> tuple[Value, ...]:
        """All of them."""
        return self.values


Dimension = Range | Choice


def read_space(texts: Iterable[str], recipe: Recipe) -> tuple[Dimension, ...]:
    """Read the dimensions and try their extremes on the recipe.

    Args:
        texts: one dimension each, in the module's grammar.
        recipe: that the settings belong to.

    Returns:
        one or more dimensions, sorted by path.

    Raises:
        ConfigError: a text that is none of the forms, a path or value that ``--set`` would refuse,
            a path given twice, ends in the wrong order, fewer than two choices, a setting that
            changes which images are held out, or a recipe of several trainings.
    """
    if len(recipe.parts) > 1:
        other = "has another beside it" if recipe.beside is not None else "has a teacher"
        raise ConfigError(
            f"the recipe {recipe.name} {other}, and tune searches the settings of one training; "
            f"tune the recipes one by one"
        )
    found: dict[str, Dimension] = {}
    for text in texts:
        path, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not path or not values:
            raise ConfigError(f"{text!r} is not a dimension; write {_FORMS}")
        if path.split(".")[0] in ("beside", "distillation"):
            raise ConfigError(
                f"{path} cannot be tuned: it adds a training, and tune searches the settings of "
                f"one; tune the recipes one by one"
            )
        if path in found:
            raise ConfigError(
                f"{path} is given twice ({found[path].text} and {values}); give one range for "
                f"each setting"
            )
        found[path] = (
            _range(path, values, recipe) if ":" in values else _choice(path, values, recipe)
        )
        if path in _HOLD_OUT:
            raise ConfigError(
                f"{path} cannot be tuned: trials are compared on the same validation images; "
                f"change it with settings="
            )
    if not found:
        raise ConfigError(f"no space= is given, so there is nothing to tune; write {_FORMS}")
    return tuple(found[path] for path in sorted(found))


def _range(path: str, text: str, recipe: Recipe) -> Range:
    log = text.startswith("log:")
    parts = [part.strip() for part in text.removeprefix("log:").split(":")]
    if len(parts) != 2 and (log or len(parts) != 3):
        raise ConfigError(
            f"{path}={text} is not a range; write {path}=log:LOW:HIGH, {path}=LOW:HIGH or "
            f"{path}=LOW:HIGH:STEP"
        )
    low, high = (_setting(recipe, path, part) for part in parts[:2])
    if not (_is_number(low) and _is_number(high)):
        raise ConfigError(
            f"{path} is not a single number, so it has no range; write choices, such as "
            f"{path}=a,b or {path}=a;b"
        )
    if not low < high:
        raise ConfigError(f"{path} goes from {parts[0]} to {parts[1]}; allowed: LOW below HIGH")
    if log and low <= 0:
        raise ConfigError(
            f"{path} goes from {parts[0]} in its logarithm; allowed: LOW above 0, or "
            f"{path}=LOW:HIGH without log"
        )
    step = None if len(parts) == 2 else _step(path, parts[2], low, high)
    return Range(path=path, text=text, low=low, high=high, log=log, step=step)


def _step(path: str, text: str, low: int | float, high: int | float) -> int | float:
    try:
        step = type(low)(text)
    except ValueError:
        kind = "a whole number" if isinstance(low, int) else "a number"
        raise ConfigError(f"the step of {path} is {text!r}; allowed: {kind} above 0") from None
    # Fractions of the decimal texts: in floats 0.5 is no multiple of 0.1.
    reached = (
        math.isfinite(step)
        and step > 0
        and (Fraction(str(high)) - Fraction(str(low))) % Fraction(str(step)) == 0
    )
    if reached and (high - low) / step > MOST_STEPS:
        raise ConfigError(
            f"{path} goes from {low} to {high} in more than {MOST_STEPS:,} steps of {text}; leave "
            f"STEP out"
        )
    if not reached:
        raise ConfigError(
            f"{path} does not go from {low} to {high} in steps of {text}; change HIGH or STEP so "
            f"that it does"
        )
    return step


def _choice(path: str, text: str, recipe: Recipe) -> Choice:
    parts = [part.strip() for part in text.split(";" if ";" in text else ",") if part.strip()]
    settings = [_setting(recipe, path, part) for part in parts]
    if len(settings) < 2:
        raise ConfigError(
            f"{path} has one choice only ({text}); give two or more, or fix it with "
            f"settings=['{path}={text}']"
        )
    for i, part in enumerate(parts):
        if settings[i] in settings[:i]:
            raise ConfigError(f"{path} has the choice {part} twice; give each value once")
    values = (
        setting if _is_number(setting) else part
        for setting, part in zip(settings, parts, strict=True)
    )
    return Choice(path=path, text=text, values=tuple(values))


def _setting(recipe: Recipe, path: str, text: str) -> Any:
    """What ``path`` is after ``--set path=text``."""
    return functools.reduce(getattr, path.split("."), override(recipe, [f"{path}={text}"]))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
