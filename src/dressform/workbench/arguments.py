"""Arguments of calls that train, checked before torch and the data are loaded."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dressform.core.arguments import whole_number
from dressform.core.errors import ConfigError, unknown_name
from dressform.core.registry import is_file_reference
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.recipes import check_recipe
from dressform.training.recipe import Recipe


def check_request(recipes: Sequence[Recipe | str], seed: int) -> int:
    """Refuse misspelt recipes and unusable seeds.

    Returns:
        the seed.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: a recipe or the seed is of another type, or the seed is negative.
    """
    for recipe in recipes:
        if isinstance(recipe, str):
            if not is_file_reference(recipe):
                check_recipe(recipe)
        elif not isinstance(recipe, Recipe):
            raise ConfigError(
                f"{type(recipe).__name__} was given in place of a recipe; allowed: a name of "
                f"'dressform recipes', 'file.py:function', or a Recipe"
            )
    return whole_number("seed", seed, least=0)


Settings = Mapping[str, object] | Iterable[str] | str
"""``{"epochs": 3, "optim.lr": 0.05}``, ``["epochs=3", "optim.lr=0.05"]`` or ``"epochs=3"``."""


def checked_settings(name: str, given: Settings) -> tuple[str, ...]:
    """Settings as assignments such as ``epochs=3``.

    Args:
        name: of the argument, for the message.
        given: one text, several, or names and values.

    Raises:
        ConfigError: they are neither.
    """
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(f"{path}={_text_of(path, value)}" for path, value in given.items())
    texts = tuple(given) if isinstance(given, Iterable) else (given,)
    for text in texts:
        if not isinstance(text, str):
            raise ConfigError(
                f"{name} has {text!r} ({type(text).__name__}); allowed: text such as 'epochs=3', "
                f"one or several in a list, or a mapping such as {{'epochs': 3}}"
            )
    return texts


def _text_of(path: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(_text_of(path, item) for item in value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise ConfigError(
            f"{path} is {value!r} ({type(value).__name__}); allowed: a number, text, True, False, "
            f"None, or several in a list"
        )
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def checked_reading(call: Callable[..., Any], reading: ReadArguments) -> ReadOptions:
    """The options that the further arguments of a call name.

    Args:
        call: that was given them.
        reading: the arguments that the call itself does not have.

    Raises:
        UnknownNameError: there is no such argument.
        ConfigError: it is a setting of the recipe, or a value is out of range.
    """
    known = [
        *inspect.signature(call).parameters,
        *(f.name for f in dataclasses.fields(ReadOptions)),
    ]
    for name, value in reading.items():
        if name in known:
            continue
        if name in {field.name for field in dataclasses.fields(Recipe)} and "settings" in known:
            raise ConfigError(
                f"{name}={value!r} is a setting of the recipe; give "
                f"settings={{{name!r}: {value!r}}}"
            )
        raise unknown_name("argument", name, [one for one in known if one != "reading"])
    return ReadOptions.of(reading)
