"""Networks that are functions or objects: another digest for whatever builds another network."""

import functools
import importlib
import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dressform.core import config
from dressform.core.code_digest import code_digest
from dressform.core.errors import ConfigError
from dressform.models.fastnet import FastNet

WIDTH = 8


class Net(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, classes)


def network(shape: object, classes: int, width: int = 4) -> nn.Module:
    return nn.Linear(width, classes)


def of_global(shape: object, classes: int) -> nn.Module:
    return Net(classes)


def closed(held: Any) -> Callable[..., Any]:
    return lambda shape, classes: held


def default(width: int) -> Callable[..., Any]:
    def build(shape: object, classes: int, width: int = width) -> nn.Module:
        return nn.Linear(width, classes)

    return build


class Builds:
    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, shape: object, classes: int) -> nn.Module:
        return nn.Linear(self.width, classes)

    def method(self, shape: object, classes: int) -> nn.Module:
        return self(shape, classes)


def local(width: int) -> Any:
    class Local(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(width, 2)

    return Local


@pytest.mark.parametrize(
    "made",
    [
        lambda width: functools.partial(network, width=width),
        lambda width: functools.partial(closed(width)),
        closed,
        default,
        Builds,
        local,
        lambda width: Builds(width).method,
        lambda width: closed([{"width": (width, 0.5)}, {1, width}]),
        lambda width: closed(closed(width)),
        lambda width: closed(np.full(3, width)),
        lambda width: closed(torch.full((3,), width).bfloat16().float()),
        lambda width: closed(nn.Conv2d(1, width, 3)),
        lambda width: closed(Path("weights", str(width))),
        lambda width: closed(str(width).encode()),
    ],
)
def test_what_code_holds_counts(made: Callable[[int], Any]) -> None:
    def digest(width: int) -> str:
        torch.manual_seed(0)
        return config.digest(made(width))

    assert digest(1) == digest(1) != digest(2)


def test_what_the_text_names_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest(of_global)
    monkeypatch.setitem(globals(), "WIDTH", 16)  # that the class names
    assert code_digest(of_global) != before
    monkeypatch.undo()
    assert code_digest(of_global) == before
    monkeypatch.setitem(globals(), "Net", Builds)
    assert code_digest(of_global) != before


def test_functions_that_hold_themselves_have_a_digest() -> None:
    def one(n: int) -> Any:
        return other(n - 1)

    def other(n: int) -> Any:
        return one(n - 1)

    assert code_digest(one) == code_digest(one) != code_digest(other)


def test_a_dataclass_of_the_user_has_the_digest_of_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def made(width: int) -> Any:
        (tmp_path / "edited_network.py").write_text(
            "from dataclasses import dataclass\n"
            "@dataclass(frozen=True)\n"
            "class Mine:\n"
            "    extra: int = 0\n"
            "    def build(self, shape, classes):\n"
            f"        return {width}\n"
        )
        sys.modules.pop("edited_network", None)
        importlib.invalidate_caches()
        linecache.checkcache()
        return importlib.import_module("edited_network").Mine()

    digests = [config.digest(made(width)) for width in (8, 64, 8)]
    assert digests[0] == digests[2] != digests[1]
    monkeypatch.delitem(sys.modules, "edited_network")


def test_classes_of_dressform_have_their_name_alone() -> None:
    assert config.to_dict(FastNet())["type"] == "FastNet"

    @dataclass(frozen=True)
    class FastNetOfMine(FastNet):
        pass

    assert config.to_dict(FastNetOfMine())["type"].partition(" ")[2] != ""


def test_what_cannot_be_told_from_another_is_refused() -> None:
    with (
        Path(__file__).open(encoding="utf-8") as file,
        pytest.raises(ConfigError, match="cannot hold a TextIOWrapper, which cannot be told") as it,
    ):
        config.digest(closed(file))
    assert "\n" not in str(it.value)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="holds lists that hold themselves"):
        config.digest(closed(endless))
