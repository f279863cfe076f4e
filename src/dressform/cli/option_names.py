"""`OptionNames`: messages of the library with the options of a command in place of Python's
arguments.

The library spells an argument as a call does: ``resume=True``, ``image_size=64``,
``settings=['epochs=3']``, or ``out=`` where no value is meant.
"""

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_LITERAL = rf"\[(?:{_TEXT}|[^\]'\"])*\]|{_TEXT}"
_VALUE = rf"(?:{_LITERAL}|[\w.+-]*\w)?"
_FOREIGN = re.compile(r"\(\w+(?:Error|Exception|Warning): ")
_BEFORE = r"(?<![\w'\"/.\\-])"


@dataclass(frozen=True)
class _Option:
    """How a command spells an argument of the library's.

    Attributes:
        name: ``--resume``, or the name of a positional argument.
        off: ``--no-photos``, where there is one.
        repeatable: given once for each value of a list.
        positional: without a name on the command line.
    """

    name: str
    off: str
    repeatable: bool
    positional: bool


class OptionNames:
    """Puts a command's options in the place of Python's arguments.

    Args:
        group: the command line, with all its commands.
        words: what was typed, without the program's name: they name the running command, whose
            options count first. Those of other commands count where a message is about another
            one, as in ``run crossval with resume=True``.
    """

    def __init__(self, group: Any, words: Sequence[str]) -> None:
        running = group
        for word in words:
            running = getattr(running, "commands", {}).get(word, running)
        self._options: dict[str, _Option] = {}
        for command in [*_commands(group), running]:
            self._options |= dict(_options(command))
        own = dict(_options(running))
        self._options |= own
        names = sorted(self._options, key=len, reverse=True)
        alone = [name for name in names if "_" in name and not self._options[name].positional]
        leading = [name for name, option in own.items() if not option.positional]
        self._argument = re.compile(rf"{_BEFORE}({'|'.join(names) or '$^'})=({_VALUE})")
        self._alone = re.compile(rf"{_BEFORE}({'|'.join(alone) or '$^'})(?![\w'\"/.=])")
        self._leading = re.compile(rf"^({'|'.join(leading) or '$^'})(?= is .*; allowed: )")

    @property
    def names(self) -> set[str]:
        """Of the arguments that are translated."""
        return set(self._options)

    def __call__(self, message: str) -> str:
        """The message as the command line says it; names in quotes and paths stay, and so does what
        others said: ``(RuntimeError: Given groups=1, …)``.
        """
        message = self._leading.sub(lambda found: self._options[found[1]].name, message)
        start, end = _quotation(message)
        return (
            self._translated(message[:start]) + message[start:end] + self._translated(message[end:])
        )

    def _translated(self, message: str) -> str:
        parts, end, before = [], 0, False
        for found in self._argument.finditer(message):
            between = message[end : found.start()]
            parts.append(" " if before and found[2] and between == ", " else between)
            parts.append(self._spelt(found[1], found[2]))
            end, before = found.end(), bool(found[2])
        message = "".join([*parts, message[end:]])
        return self._alone.sub(lambda found: self._options[found[1]].name, message)

    def _spelt(self, name: str, value: str) -> str:
        option = self._options[name]
        if value in ("True", "False"):
            return option.name if value == "True" else option.off
        read = _read(value)
        if isinstance(read, list):
            texts = [str(one) for one in read] if option.repeatable else [",".join(map(str, read))]
        else:
            texts = [read] if value else []
        words = [_quoted(text) for text in texts]
        if option.positional:
            return " ".join(words) or option.name
        return " ".join(f"{option.name} {word}" for word in words) or option.name


def _quotation(message: str) -> tuple[int, int]:
    """Where a message of another program begins and ends, in parentheses after its type; the end
    of the message where there is none.
    """
    found = _FOREIGN.search(message)
    if found is None:
        return len(message), len(message)
    depth = 0
    for end in range(found.start(), len(message)):
        depth += {"(": 1, ")": -1}.get(message[end], 0)
        if depth == 0:
            return found.start(), end
    return found.start(), len(message)


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from _commands(one)


def _options(command: Any) -> Iterator[tuple[str, _Option]]:
    """The arguments of a command's function, by name."""
    for parameter in command.params:
        spelt = [text for text in parameter.opts if text.startswith("--")]
        off = next(iter(parameter.secondary_opts), f"no {spelt[0] if spelt else parameter.name}")
        name = spelt[0] if spelt else str(parameter.name).upper()
        yield (
            str(parameter.name),
            _Option(name, off, bool(getattr(parameter, "multiple", False)), not spelt),
        )


def _read(value: str) -> Any:
    """A list or a text as Python reads it; anything else as it stands."""
    if not value.startswith(("[", "'", '"')):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _quoted(text: str) -> str:
    """For a command line; in double quotes, which every shell knows, where that is enough."""
    if re.fullmatch(r"[\w…./:=,+@%~-]+", text):
        return text
    return shlex.quote(text) if set('$`"!') & set(text) else f'"{text}"'
