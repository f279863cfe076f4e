"""The options of commands that read data."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import typer

from dressform.data.read_options import ReadArguments

DATA_HELP = (
    "A dataset's name, or a path: class folders, a table of images and labels, IDX, a table of "
    "pixels, Parquet, NPZ, or a ZIP or TAR of these."
)
READING: Any = None
"""Default of the parameter ``reading`` of a command; :func:`reading_options` fills it."""

_PANEL = "How the data are read"


def _column(name: str, text: str) -> Any:
    return typer.Option(None, f"--{name}-column", help=text, rich_help_panel=_PANEL)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "image_size": (
        int | None,
        typer.Option(
            None,
            "--image-size",
            help="Side in pixels that images are fitted to. Default: their common size up to 128; "
            "else the recipe's, or 64.",
            rich_help_panel=_PANEL,
        ),
    ),
    "image_column": (
        str | None,
        _column("image", "Column of a table with file names, paths or ids. Default: detected."),
    ),
    "label_column": (str | None, _column("label", "Column with the classes. Default: detected.")),
    "split_column": (
        str | None,
        _column("split", "Column with train, validation and test. Default: detected."),
    ),
    "group_column": (
        str | None,
        _column(
            "group", "Column with groups: rows with the same value stay on one side of every split."
        ),
    ),
    "groups": (
        str | None,
        typer.Option(
            None,
            "--groups",
            help="Regular expression whose first group, found in file names, tells what stays on "
            "one side of every split: '(sku\\d+)_'.",
            rich_help_panel=_PANEL,
        ),
    ),
    "drop": (
        list[str],
        typer.Option(
            [],
            "--drop",
            help='Classes to leave out: "Not sure,Skip"; repeatable. Write \\, for a comma that '
            "belongs to a name.",
            rich_help_panel=_PANEL,
        ),
    ),
    "min_count": (
        int,
        typer.Option(
            1,
            "--min-count",
            min=1,
            help="Leave out classes with fewer examples.",
            rich_help_panel=_PANEL,
        ),
    ),
    "skip_bad": (
        bool,
        typer.Option(
            False,
            "--skip-bad",
            help="Leave out files that cannot be read, and say which.",
            rich_help_panel=_PANEL,
        ),
    ),
}


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how data are read, in place of its parameter
    ``reading``: a dictionary of those that were given.
    """
    own = inspect.signature(command)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _OPTIONS.items()
    ]
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        keyword = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += added if parameter.name == "reading" else [keyword]

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in _OPTIONS}
        given["drop"] = [name for text in given["drop"] for name in split_names(text)]
        defaults: dict[str, object] = {"drop": [], "min_count": 1, "skip_bad": False}
        reading = {n: v for n, v in given.items() if v != defaults.get(n)}
        command(**arguments, reading=ReadArguments(**reading))  # type: ignore[typeddict-item]

    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


def split_names(text: str) -> list[str]:
    """``Not sure,Skip`` as two names; a comma after a backslash belongs to a name."""
    names = [name.replace("\\,", ",").strip() for name in re.split(r"(?<!\\),", text)]
    return [name for name in names if name]
