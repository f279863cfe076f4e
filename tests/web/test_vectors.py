"""The vectors that JavaScript is tested against are what Python computes."""

import json
from typing import Any

import pytest

from tests.web.vectors import PATH, compute


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """The leaves of a JSON document by their path."""
    if not isinstance(value, (dict, list, tuple)):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {k: v for name, one in items for k, v in flat(one, f"{path}/{name}").items()}


def test_vectors_are_what_python_computes() -> None:
    stored = flat(json.loads(PATH.read_text(encoding="utf-8")))
    computed = flat(compute())
    assert stored.keys() == computed.keys()
    for path, value in computed.items():
        expected = pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
        assert stored[path] == expected, path
