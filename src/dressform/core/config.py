"""Frozen dataclasses as configs: to JSON, to a digest, and changed by typed ``a.b=c``
assignments.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from dressform.core.code_digest import code_digest, is_own
from dressform.core.errors import ConfigError, unknown_name

Config = TypeVar("Config")
Named = Mapping[type, Callable[[str], Any]]
"""For kinds of configs that have names: finds one."""
NOTHING_NAMED: Named = MappingProxyType({})


def to_dict(config: Any) -> Any:
    """Turn a config into JSON types. A dataclass also gets ``"type"``, the name of its class, with
    digits that change with its text where it is the user's; a function or callable object becomes
    its name and such digits. A field with the value that its metadata calls ``omitted`` is left
    out.

    Raises:
        ConfigError: it holds what cannot be told from another of its kind.
    """
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = {
            f.name: to_dict(value)
            for f in dataclasses.fields(config)
            if (value := getattr(config, f.name)) is not f.metadata.get("omitted", f)
        }
        kind = type(config)
        return {"type": kind.__qualname__ if is_own(kind) else _with_digest(kind), **fields}
    if isinstance(config, (list, tuple)):
        return [to_dict(item) for item in config]
    if config is None or isinstance(config, (bool, int, float, str)):
        return config
    if callable(config):
        return _with_digest(config)
    raise ConfigError(
        f"a config cannot hold {type(config).__name__}; allowed: numbers, text, tuples and "
        f"dataclasses of them"
    )


def _with_digest(code: Any) -> str:
    return f"{getattr(code, '__qualname__', type(code).__qualname__)} {code_digest(code)}"


def digest(config: Any, *extra: str) -> str:
    """Eight hexadecimal digits that change when any value of the config (or of ``extra``)
    changes.
    """
    text = json.dumps([to_dict(config), *extra], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def override(config: Config, assignments: Iterable[str], *, named: Named = NOTHING_NAMED) -> Config:
    """Apply ``path.to.field=value`` assignments, each converted to the field's type.

    Those that can be applied only after others, such as ``optim.nesterov`` after
    ``optim.momentum``, may come before them.

    Args:
        config: a dataclass instance; it is not changed.
        assignments: such as ``["epochs=3", "optim.lr=0.05", "model.widths=16,32"]``.
        named: makes fields that hold such a config settable, by its name.

    Raises:
        ConfigError: no ``=``, unknown path (with the nearest names), or a value of the wrong type
            or out of range.
    """
    waiting = list(assignments)
    while waiting:
        refused: list[tuple[str, ConfigError]] = []
        for place, assignment in enumerate(waiting, 1):
            path, _, text = normalised(assignment).partition("=")
            if "=" not in assignment or not path:
                raise ConfigError(
                    f"{assignment!r} is no setting with a value; write SETTING=VALUE, such as "
                    f"epochs=3 or optim.lr=0.05"
                )
            try:
                config = _assign(config, path.split("."), text, path, named)
            except ConfigError as error:
                if any(_path(later) == path for later in waiting[place:]):
                    raise  # the last one counts, so this one may not come after it
                refused.append((assignment, error))
        if len(refused) == len(waiting):
            raise refused[0][1]
        waiting = [assignment for assignment, _ in refused]
    return config


def normalised(assignment: str) -> str:
    """An assignment without spaces around its name and value, as it is stored."""
    path, equals, text = assignment.partition("=")
    return f"{path.strip()}{equals}{text.strip()}"


def _path(assignment: str) -> str:
    return normalised(assignment).partition("=")[0]


def _assign(config: Any, path: list[str], text: str, whole: str, named: Named) -> Any:
    name, *rest = path
    known = (
        {f.name for f in dataclasses.fields(config)} - {"name"}
        if dataclasses.is_dataclass(config)
        else set()
    )
    if not known:
        raise ConfigError(
            f"{whole} cannot be set: {type(config).__qualname__} has no fields of its own; give "
            f"it as a dataclass"
        )
    if name not in known:
        above = whole.split(".")[: -len(path)]
        groups = {n: getattr(config, n) for n in sorted(known)}
        deeper = [
            f"{n}.{name}"
            for n, group in groups.items()
            if dataclasses.is_dataclass(group)
            and name in {field.name for field in dataclasses.fields(group)}
        ]
        raise unknown_name("setting", whole, sorted(".".join([*above, n]) for n in known), deeper)
    current, kind = getattr(config, name), typing.get_type_hints(type(config))[name]
    options = _options(kind)
    nested = [o for o in (type(current), *options) if dataclasses.is_dataclass(o)]
    if rest and not nested:
        raise ConfigError(
            f"{whole} cannot be set: {name} is a single value ({current!r}), so write {name}=value"
        )
    if rest and current is None:
        value = _begun(nested[0], rest, text, whole, named)
    elif rest:
        value = _assign(current, rest, text, whole, named)
    elif not nested or nested[-1] in named or (type(None) in options and text.lower() == "none"):
        value = _convert(text, kind, whole, named)
    else:
        inner = ", ".join(f"{whole}.{f.name}" for f in dataclasses.fields(nested[0]))
        raise ConfigError(f"{whole} is a group of settings; set one of {inner}")
    return dataclasses.replace(config, **{name: value})


def _options(kind: Any) -> tuple[Any, ...]:
    """What a field may hold by its type: the members of a union."""
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if union else (kind,)


def _begun(group: Any, rest: list[str], text: str, whole: str, named: Named) -> Any:
    """A group of settings where there was none, by the first of them. It has to be the only one
    that the group cannot do without.
    """
    above, hints = whole.removesuffix("." + ".".join(rest)), typing.get_type_hints(group)
    if rest[0] not in hints:
        raise unknown_name("setting", whole, sorted(f"{above}.{name}" for name in hints))
    needed = {f.name for f in dataclasses.fields(group) if f.default is f.default_factory}
    if len(rest) == 1 and needed <= {rest[0]}:
        return group(**{rest[0]: _convert(text, hints[rest[0]], whole, named)})
    advice = "give one in a recipe file"
    if group in named:
        advice = f"set {above} first"
    elif len(needed) == 1:
        advice = f"set {above}.{needed.pop()} first"
    raise ConfigError(f"{whole} cannot be set: there is no {above} here; {advice}")


def _convert(text: str, kind: Any, path: str, named: Named) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in named:
        return named[kind](text)
    if origin is Literal:
        if text not in arguments:
            raise unknown_name(f"value of {path}", text, arguments)
        return text
    if len(_options(kind)) > 1:
        if type(None) in arguments and text.lower() == "none":
            return None
        failures = []
        for option in (a for a in arguments if a is not type(None)):
            try:
                return _convert(text, option, path, named)
            except ConfigError as error:
                failures.append(error)
        raise failures[0]
    if origin is tuple:
        items = [part for part in text.split(",") if part.strip()]
        return tuple(_convert(item.strip(), arguments[0], path, named) for item in items)
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{path} must be true or false, not {text!r}")
        return text.lower() == "true"
    if kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            raise ConfigError(
                f"{path} must be {'a whole number' if kind is int else 'a number'}, not {text!r}"
            ) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{path} must be a finite number, not {text!r}")
        return value
    if kind is str:
        return text
    raise ConfigError(f"{path} cannot be set from text; change it in a recipe file")


def require_choices(config: Any, prefix: str = "") -> None:
    """Raise an error with the nearest names unless every ``Literal`` field has one of its values;
    for ``__post_init__`` of configs.
    """
    for name, kind in typing.get_type_hints(type(config)).items():
        value, allowed = getattr(config, name), typing.get_args(kind)
        if typing.get_origin(kind) is Literal and value not in allowed:
            raise unknown_name(f"value of {prefix}{name}", str(value), allowed)


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raise a :class:`ConfigError` unless ``condition`` holds; for ``__post_init__`` of configs."""
    if not condition:
        raise ConfigError(f"{name} is {value!r}; allowed: {allowed}")
