"""Names that stand for objects, resolved only when asked for.

A registry maps a name to ``"package.module:attribute"``; listing names imports nothing.
A string of the form ``path/to/file.py:attribute`` names an object in the user's own file.
"""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

from dressform.core.errors import ConfigError, unknown_name
from dressform.core.files import user_path


class Registry:
    """An immutable table of names.

    Args:
        kind: what a name stands for; used in messages.
        table: name -> ``"module:attribute"``.
    """

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self._table = dict(table)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the table's order."""
        return tuple(self._table)

    def check(self, name: str) -> None:
        """Raise an :class:`UnknownNameError` for a name that is not in the table; imports
        nothing.
        """
        if name not in self._table and ".py" in name:
            raise ConfigError(f"{name} names no function; write path/to/file.py:function")
        if name not in self._table:
            raise unknown_name(self.kind, name, self._table)

    def resolve(self, name: str) -> Any:
        """Import and return what ``name`` stands for.

        Raises:
            UnknownNameError: no such name; the message has the nearest ones.
        """
        self.check(name)
        module, _, attribute = self._table[name].partition(":")
        return getattr(importlib.import_module(module), attribute)


def is_file_reference(text: str) -> bool:
    """Whether ``text`` has the form ``file.py:attribute``."""
    path, colon, attribute = text.rpartition(":")
    return bool(colon and path.endswith(".py") and attribute.isidentifier())


def load_from_file(reference: str) -> Any:
    """Execute the user's file and return one of its attributes.

    Args:
        reference: ``path/to/file.py:attribute``.

    Raises:
        ConfigError: the file is missing, fails to run, or lacks the attribute.
    """
    name, _, attribute = reference.rpartition(":")
    path = user_path(name)
    if not path.is_file():
        raise ConfigError(f"{name} is not a file; write path/to/file.py:{attribute}")
    module_name = f"dressform_user_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise ConfigError(
            f"{path} failed with {type(error).__name__}: {error}; run it by itself to see where"
        ) from error
    if not hasattr(module, attribute):
        public = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise unknown_name(f"function in {path}", attribute, public)
    return getattr(module, attribute)
