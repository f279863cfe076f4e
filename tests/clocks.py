"""A clock that a test moves by hand."""

import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


def set_time(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType, **functions: Any) -> None:
    """Give modules a ``time`` of their own, where some functions are others.

    The real one stays as it is: the event loops of servers in other threads wait by it, and would
    wait until a time that was set here.
    """
    for module in modules:
        monkeypatch.setattr(module, "time", SimpleNamespace(**(vars(time) | functions)))
