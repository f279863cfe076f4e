"""`usage_message`: what is wrong with a command line, what was probably meant, and where to
look.
"""

import shlex
from collections.abc import Sequence
from typing import Any

from dressform.core.text import one_line

TRAINING = {"train", "crossval", "tune"}
"""Commands that take ``--set`` and ``--resume``."""


def usage_message(error: Any, words: Sequence[str]) -> str:
    """The message for an error of the parser.

    Args:
        error: typer's UsageError.
        words: the words after ``dressform``.
    """
    context, option = getattr(error, "ctx", None), None
    message, path = error.format_message(), "dressform"
    if context is not None:
        path = context.command_path
    if message.startswith("No such option"):
        message, option = error.message, error.option_name
    hint = spaces_hint(words)
    if not hint and option is not None and context is not None:
        hint = _option_hint(option, context, words, getattr(error, "possibilities", None) or ())
    end = "" if message.endswith(("?", ".")) else "."
    return f"{message}{end}{hint} See {path} --help."


def spaces_hint(words: Sequence[str]) -> str:
    """What a setting was meant to be that has a space in it: ``--set optim lr=1``, ``--set epochs =
    3``, ``--set epochs 3``; empty where there is none.
    """
    for i, word in enumerate(words[:-1]):
        if word != "--set" or "=" in words[i + 1].strip("="):
            continue
        rest = [words[i + 1], *_until_option(words[i + 2 :])]
        if len(rest) == 1:
            continue
        if "=" in rest:  # epochs = 3
            meant = "".join(rest[:3])
        elif "=" in rest[1]:  # optim lr=1, or epochs =3
            meant = "".join(rest[:2]) if rest[1].startswith("=") else ".".join(rest[:2])
        else:  # epochs 3, epochs= 3
            meant = f"{rest[0].rstrip('=')}={rest[1]}"
        return _did_you_mean(["--set", meant])
    return ""


def _until_option(words: Sequence[str]) -> list[str]:
    taken: list[str] = []
    for word in words:
        if word.startswith("--"):
            break
        taken.append(word)
    return taken


def _option_hint(
    option: str, context: Any, words: Sequence[str], possibilities: Sequence[str]
) -> str:
    known = [name for parameter in context.command.params for name in parameter.opts]
    value = _value_of(option, words)
    if context.parent is None:  # dressform --json recipes
        return f" Options follow the command: dressform COMMAND {option}."
    if value and f"{option}-{value[0]}" in known:  # --image size 64
        return _did_you_mean([f"{option}-{value[0]}", *value[1:2]])
    if context.command.name in TRAINING:
        name = option.lstrip("-").replace("-", "_")
        settings = [path for path in _settings() if name in (path, path.rpartition(".")[2])]
        settings = [path for path in settings if path == name] or settings
        if settings:
            given = shlex.quote(value[0]) if value else "…"
            meant = [f"--set {path}={given}" for path in settings[:3]]
            return one_line(f" Did you mean {' or '.join(meant)}?")
    return f" Did you mean {' or '.join(sorted(possibilities))}?" if possibilities else ""


def _value_of(option: str, words: Sequence[str]) -> list[str]:
    """The words that follow an option, up to the next one."""
    for i, word in enumerate(words):
        if word.startswith(f"{option}="):
            return [word.partition("=")[2]]
        if word == option:
            return _until_option(words[i + 1 :])
    return []


def _did_you_mean(words: Sequence[str]) -> str:
    return f" Did you mean {one_line(shlex.join(words))}?"


def _settings() -> list[str]:
    """The paths of a recipe's settings, without those of its network."""
    from dataclasses import fields, is_dataclass

    from dressform.training.recipe import Recipe

    paths = []
    for field in fields(Recipe):
        if field.name in ("name", "model"):
            continue
        group = field.default_factory() if callable(field.default_factory) else field.default
        inner = [f.name for f in fields(group)] if is_dataclass(group) else []
        paths += [f"{field.name}.{name}" for name in inner] or [field.name]
    return paths
