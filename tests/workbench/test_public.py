"""What ``import dressform`` offers is what the commands do."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import dressform
from dressform.cli.data import data_app
from dressform.cli.main import create_app
from dressform.cli.runs import runs_app

PACKAGE = Path(dressform.__file__).parent
CALLS = {
    **{name: set() for name in ("serve", "worker", "backup", "restore")},  # dressform.service
    "recipes": {"list_recipes"},
    "models": {"list_models"},
    "train": {"train", "train_auto"},
    "crossval": {"crossval"},
    "tune": {"tune"},
    "compare": {"compare"},
    "evaluate": {"evaluate"},
    "calibrate": {"calibrate", "draw_calibration"},
    "report": {"report"},
    "explore": {"explore"},
    "export": {"export"},
    "predict": {"Predictor"},
    "figures": {"draw_figures"},
    "robustness": {"robustness"},
    "hardware": {"hardware"},
    "runs show": {"list_runs"},
    "runs rm": {"remove_run"},
    "runs rename": {"annotate_run"},
    "runs note": {"annotate_run"},
    "runs tag": {"annotate_run"},
    "data list": {"list_datasets"},
    "data check": {"load_data", "check_data"},
    "data doctor": {"diagnose"},
    "data apply": {"apply_review"},
}
"""The public calls behind each command."""
NOT_PUBLIC = {"check_request"}
"""Of the workbench, for the command line alone: checks before a command sets up its process."""


def _commands() -> Iterator[tuple[str, str]]:
    """Name and module of each command."""
    for prefix, application in (("", create_app()), ("data ", data_app), ("runs ", runs_app)):
        for command in application.registered_commands:
            assert command.callback is not None
            name = command.name or command.callback.__name__
            yield prefix + name, inspect.getmodule(command.callback).__file__  # type: ignore[union-attr, misc]


def _imported(path: str) -> set[str]:
    """What a file takes from dressform, under its own name: ``from x import y as z`` is y."""
    names = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dressform"):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(node.attr)  # training.train after `from dressform.workbench import training`
    return names


def test_every_command_has_a_public_call() -> None:
    found = dict(_commands())
    assert found.keys() == CALLS.keys()
    for command, path in found.items():
        assert CALLS[command] <= set(dressform.__all__), command
        assert CALLS[command] <= _imported(path), f"{command} goes another way"


def test_every_call_of_the_workbench_that_a_command_makes_is_public() -> None:
    defined = {
        node.name
        for path in (PACKAGE / "workbench").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    called = set().union(*(_imported(str(path)) for path in (PACKAGE / "cli").glob("*.py")))
    assert defined & called - NOT_PUBLIC <= set(dressform.__all__)
    assert defined & called >= NOT_PUBLIC


@pytest.mark.parametrize("name", dressform.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    module = dressform._MODULES[name]
    value = getattr(__import__(f"dressform.{module}", fromlist=[name]), name)
    assert inspect.getdoc(value)
