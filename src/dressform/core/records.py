"""Records: JSON documents of one schema, a frozen dataclass each, checked whole when they are
opened.

What is wrong names the file, the field, what it is and what it should be, so that nothing that a
file says is met later, deep inside, by a program that expects something else.
"""

import dataclasses
import math
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

from dressform.core.errors import DressformError, RunError

Record = TypeVar("Record")
SHOWN = 60


def read_record(
    kind: type[Record],
    document: Any,
    path: Path,
    *,
    advice: str = "restore it from a copy",
    refuse: type[DressformError] = RunError,
) -> Record:
    """A document as a record.

    Args:
        kind: a dataclass; fields with a default may be missing, further keys are left out.
        document: of JSON.
        path: of the file, for messages.
        advice: ends them.
        refuse: the kind of error to raise.

    Raises:
        DressformError: of the kind ``refuse``: no object, or a field that is missing or of another
            type.
    """
    try:
        record: Record = _record(kind, document, "")
    except _FaultError as fault:
        raise refuse(f"{path} is damaged ({fault}); {advice}") from None
    return record


def check_format(document: Any, newest: int, path: Path) -> None:
    """Refuse a document that a later version wrote.

    Args:
        document: of JSON; one without an integer ``format`` passes, for :func:`read_record` to
            refuse.
        newest: that this version reads.
        path: of the file, for messages.

    Raises:
        RunError: its format is newer.
    """
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, int) and found > newest:
        raise RunError(
            f"{path} has format {found}, made by a newer dressform; this version "
            f"reads up to {newest}, so upgrade dressform"
        )


class _FaultError(Exception):
    pass


def _record(kind: Any, document: Any, where: str) -> Any:
    if not isinstance(document, dict):
        raise _FaultError(f"{where or 'the document'} is {_shown(document)}, expected an object")
    hints = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        place = f"{where}.{field.name}" if where else field.name
        if field.name in document:
            values[field.name] = _value(hints[field.name], document[field.name], place)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise _FaultError(f"{place} is missing")
    try:
        return kind(**values)
    except (DressformError, ValueError, TypeError) as error:
        raise _FaultError(f"{where or 'the document'} is inconsistent ({error})") from None


def _typed_dict(kind: Any, value: Any, where: str) -> dict[str, Any]:
    """A dictionary with the keys of a TypedDict; further keys are left out, as for dataclasses."""
    if not isinstance(value, dict):
        raise _FaultError(f"{where} is {_shown(value)}, expected an object")
    hints = typing.get_type_hints(kind)
    missing = sorted(kind.__required_keys__ - value.keys())
    if missing:
        raise _FaultError(f"{where}.{missing[0]} is missing")
    return {key: _value(hints[key], value[key], f"{where}.{key}") for key in hints if key in value}


def _value(expected: Any, value: Any, where: str) -> Any:
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if expected is Any:
        return value
    if dataclasses.is_dataclass(expected):
        return _record(expected, value, where)
    if typing.is_typeddict(expected):
        return _typed_dict(expected, value, where)
    if origin in (typing.Union, types.UnionType):
        record = next((option for option in inner if dataclasses.is_dataclass(option)), None)
        if record is not None and isinstance(
            value, dict
        ):  # whose own fault says more than that it is no such union
            return _record(record, value, where)
        for option in sorted(
            inner, key=lambda option: option is float
        ):  # a whole number stays one where either may be
            try:
                return _value(option, value, where)
            except _FaultError:
                continue
    elif origin is Literal:
        if any(value == choice and type(value) is type(choice) for choice in inner):
            return value
    elif origin is list and isinstance(value, list):
        return [_value(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    elif origin is tuple and isinstance(value, list):
        if inner[1:] == (Ellipsis,):
            return tuple(_value(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value))
        if len(value) == len(inner):
            return tuple(
                _value(kind, item, f"{where}[{i}]")
                for i, (kind, item) in enumerate(zip(inner, value, strict=True))
            )
    elif origin is dict and isinstance(value, dict):
        return {
            str(name): _value(inner[1], item, f"{where}.{name}") for name, item in value.items()
        }
    elif expected is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
    elif (
        isinstance(expected, type)
        and isinstance(value, expected)
        and (expected is bool or not isinstance(value, bool))
    ):
        return value
    raise _FaultError(f"{where} is {_shown(value)}, expected {_named(expected)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    type(None): "null",
    list: "a list",
}


def _named(expected: Any) -> str:
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_named(option) for option in inner)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in inner)
    if origin in (list, tuple):
        if origin is tuple and inner[1:] != (Ellipsis,):
            return f"a list of {len(inner)}: {', '.join(_named(kind) for kind in inner)}"
        return f"a list, each of it {_named(inner[0])}"
    if origin is dict:
        return f"an object whose values are {_named(inner[1])}"
    return (
        "an object" if dataclasses.is_dataclass(expected) else _NAMES.get(expected, str(expected))
    )
