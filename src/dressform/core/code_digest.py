"""`code_digest`: what a user's function, class or callable object is, as eight digits.

What it builds depends on its text, on what it holds (a closure, defaults, attributes), and on the
user's own functions and classes and the plain values that its text names. What is installed is
known by its name.
"""

import dis
import functools
import hashlib
import inspect
import json
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np

from dressform.core.errors import ConfigError

PLAIN = (bool, int, float, str)
NOTHING: dict[str, object] = {"closure": [], "defaults": [[], []], "globals": []}


def code_digest(code: Any) -> str:
    """Eight hexadecimal digits that change when a function, a class, a :class:`functools.partial`
    or a callable object does.

    Raises:
        ConfigError: it holds something that cannot be told from another of its kind, such as an
            open file.
    """
    try:
        described = _Description().of_user(code)
    except RecursionError:
        raise ConfigError(
            f"{getattr(code, '__qualname__', type(code).__qualname__)} holds lists that hold "
            f"themselves; give the network as a dataclass with build(shape, classes)"
        ) from None
    # A function that holds and names nothing is its text.
    text = described if isinstance(described, str) else json.dumps(described)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]


def is_own(kind: type) -> bool:
    """Whether a class comes with dressform."""
    return kind.__module__.partition(".")[0] == "dressform"


class _Description:
    """Values as JSON types, what occurs again as the number of its first description."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Any]] = {}  # with the values, so that no id is used again

    def of_user(self, value: Any) -> Any:
        """The description of code that is the user's, wherever it is installed."""
        self._known[id(value)] = len(self._known), value
        if isinstance(value, types.FunctionType):
            text, held = _text(value), self._held(value)
            return text if held == NOTHING else [text, held]
        return self._class(value) if isinstance(value, type) else self._object(value)

    def of(self, value: Any) -> Any:
        """The description of any value."""
        if value is None or isinstance(value, PLAIN):
            return value
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if isinstance(value, Set):
            return [self.of(item) for item in sorted(value, key=repr)]
        if isinstance(value, Mapping):
            return [[self.of(key), self.of(item)] for key, item in value.items()]
        if isinstance(value, types.BuiltinFunctionType) or _is_installed(value):
            return f"{value.__module__}.{value.__qualname__}"
        if id(value) in self._known:
            return f"described as {self._known[id(value)][0]}"
        return self.of_user(value)

    def _object(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return value.__name__ if _is_installed_module(value.__name__) else _text(value)
        if isinstance(value, types.MethodType):
            return [self.of(value.__func__), self.of(value.__self__)]
        if isinstance(value, bytes):
            return hashlib.sha256(value).hexdigest()
        if hasattr(value, "__array__"):
            return _array(value)
        if hasattr(value, "__wrapped__"):
            return self.of(value.__wrapped__)
        try:
            parts = value.__reduce_ex__(2)
        except Exception as error:
            raise ConfigError(
                f"a network's function cannot hold a {type(value).__name__}, which cannot be told "
                f"from another ({error}); make it inside the function"
            ) from error
        if isinstance(parts, str):
            return [self.of(type(value)), parts]
        return [self.of(list(part) if isinstance(part, Iterator) else part) for part in parts]

    def _held(self, function: types.FunctionType) -> dict[str, object]:
        code, cells = function.__code__, function.__closure__ or ()
        return {
            "closure": self.of(dict(zip(code.co_freevars, map(_content, cells), strict=True))),
            "defaults": self.of([function.__defaults__ or (), function.__kwdefaults__ or {}]),
            "globals": self.of(_named(function)),
        }

    def _class(self, kind: type) -> Any:
        """With what its methods hold and name, and the classes that it extends."""
        plain = {n: v for n, v in vars(kind).items() if n[:2] != "__" and isinstance(v, PLAIN)}
        held = [self._held(method) for method in _methods(kind)]
        return [_class_text(kind), self.of(plain), held, self.of(kind.__bases__)]


def _named(function: types.FunctionType) -> dict[str, object]:
    """The user's own functions, classes and modules, and plain values, that a text names."""
    found = {name: function.__globals__.get(name) for name in sorted(_names(function.__code__))}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, PLAIN)
        or (isinstance(value, types.FunctionType | type) and not _is_installed(value))
        or (isinstance(value, types.ModuleType) and not _is_installed_module(value.__name__))
    }


def _names(code: types.CodeType) -> set[str]:
    """Of global variables; code within a function included."""
    own = {one.argval for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"}
    inner = (one for one in code.co_consts if isinstance(one, types.CodeType))
    return {name for name in own.union(*map(_names, inner)) if not name.startswith("__")}


def _methods(kind: type) -> list[types.FunctionType]:
    """Those of the user's text, not those that a dataclass has besides."""
    found = (getattr(one, "__func__", one) for one in vars(kind).values())
    return [one for one in found if isinstance(one, types.FunctionType) and not _is_generated(one)]


@functools.lru_cache(maxsize=32)  # Python parses the whole file
def _class_text(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # in a notebook, where Python finds the text of functions only
        return "\n".join(map(_text, _methods(kind)))


def _text(code: Any) -> str:
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):
        return repr(getattr(getattr(code, "__code__", None), "co_code", b""))


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # assigned later
        return None


def _array(value: Any) -> list[Any]:
    """Of NumPy, or a tensor."""
    array = np.ascontiguousarray(value.detach().cpu() if hasattr(value, "detach") else value)
    return [str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]


@functools.cache
def _packages() -> tuple[Path, ...]:
    return tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))


def _is_generated(method: types.FunctionType) -> bool:
    file = method.__code__.co_filename
    return file == "<string>" or any(map(Path(file).is_relative_to, _packages()))


def _is_installed(code: Any) -> bool:
    """Whether it is a function or class that comes with Python, dressform or another package."""
    is_code = isinstance(code, types.FunctionType | type)
    return is_code and _is_installed_module(code.__module__ or "")


def _is_installed_module(name: str) -> bool:
    root = name.partition(".")[0]
    if root in ("dressform", "builtins") or root in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(root), "__file__", None)
    return file is not None and any(map(Path(file).is_relative_to, _packages()))
