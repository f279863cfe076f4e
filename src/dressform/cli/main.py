"""``dressform``: the list of commands, and the one place where errors become text and exit
codes.
"""

import io
import json
import re
import sys
from typing import Any, TextIO, cast

import typer

from dressform import __version__
from dressform.cli.calibrate import calibrate
from dressform.cli.compare import compare
from dressform.cli.crossval import crossval
from dressform.cli.data import data_app
from dressform.cli.evaluate import evaluate
from dressform.cli.explore import explore
from dressform.cli.export import export
from dressform.cli.figures import figures
from dressform.cli.hardware import hardware
from dressform.cli.lists import models, recipes
from dressform.cli.output import Escaped, show_messages
from dressform.cli.predict import predict
from dressform.cli.reading import with_option_names
from dressform.cli.report import report
from dressform.cli.robustness import robustness
from dressform.cli.train import train
from dressform.cli.tune import tune
from dressform.core.errors import DressformError
from dressform.core.text import one_line
from dressform.core.threads import wait_briefly

app = typer.Typer(
    name="dressform",
    help="Train, evaluate and use small-image classifiers.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    recipes,
    models,
    train,
    crossval,
    tune,
    compare,
    evaluate,
    calibrate,
    robustness,
    report,
    explore,
    export,
    predict,
    figures,
    hardware,
):
    app.command()(command)
app.add_typer(data_app, name="data")


_COMMANDS = {
    command.callback.__name__ for command in app.registered_commands if command.callback
} | {"data"}


# typer brings its own copy of click in some versions, under a private name; this is ClickException
# in all of them.
_UsageError: Any = typer.BadParameter.__mro__[2]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Train, evaluate and use small-image classifiers."""
    if version:
        print(__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())


RESUMABLE = {"train", "crossval", "tune"}
"""Commands that take --resume."""


def main() -> None:
    """Run the command line and exit: 0 done, 1 an error with a message, 2 wrong usage, 130
    interrupted.
    """
    wait_briefly()
    show_messages()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # file names may hold anything, and JSON is UTF-8 on every system
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if sys.stdout is None:  # closed by the caller: the answer could not be given
        sys.exit(1)
    sys.stdout = cast(TextIO, Escaped(sys.stdout))
    try:
        code = app(prog_name="dressform", standalone_mode=False)
    except DressformError as error:
        _fail(with_option_names(str(error)), 1)
    except _UsageError as error:
        _fail(_usage(error.format_message()), 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail(_interrupted(), 130)
    except BrokenPipeError:
        sys.exit(1)
    except MemoryError as error:
        _fail(
            f"not enough memory ({str(error) or 'an allocation failed'}); use fewer or smaller "
            f"images, or a smaller batch_size",
            1,
        )
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        advice = (
            "; finished epochs are kept: free some space or fix the path, then continue with "
            "--resume"
            if RESUMABLE & set(sys.argv)
            else ""
        )
        _fail(f"{name}{error.strerror or error}{advice}", 1)
    if code == 130:  # typer's own way of telling Ctrl-C
        _fail(_interrupted(), 130)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> str:
    if RESUMABLE & set(sys.argv):
        return "interrupted; --resume continues from here"
    table = {"predict", "--out"} <= {word.partition("=")[0] for word in sys.argv}
    return f"interrupted{'; the same command continues from here' if table else ''}"


def _usage(message: str) -> str:
    """What is wrong with a command, and where to look."""
    message, _, near = message.rstrip(".").partition(" (Possible options: ")
    option = re.match(r"No such option: --([\w.-]+)$", message)
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    setting = option[1].replace("-", "_") if option else ""
    hint = f" Did you mean {near.rstrip(')').replace(', ', ' or ')}?" if near else ""
    if setting in _settings():
        hint = f" Did you mean --set {setting}=…?"
    return f"{message}.{hint} See dressform {f'{command} ' if command in _COMMANDS else ''}--help."


def _settings() -> set[str]:
    """The settings of a recipe that are no groups of others."""
    from dataclasses import fields

    from dressform.training.recipe import Recipe

    return {field.name for field in fields(Recipe)} - {"name", "model"}


def _fail(message: str, code: int) -> None:
    line = one_line(" ".join(message.split()))
    print(
        json.dumps({"error": line}, ensure_ascii=False)
        if "--json" in sys.argv
        else f"dressform: {line}",
        file=sys.stderr,
    )
    sys.exit(code)
