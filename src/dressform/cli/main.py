"""``dressform``: the list of commands, and the one place where errors become text and exit
codes.
"""

import functools
import gc
import io
import json
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO, cast

import typer

from dressform import __version__
from dressform.cli.option_names import OptionNames
from dressform.cli.output import Shown, messages, say, show_messages
from dressform.cli.usage import TRAINING, spaces_hint, usage_message
from dressform.core.errors import ConfigError, DressformError
from dressform.core.text import one_line
from dressform.core.threads import wait_briefly

COMMANDS = {
    "recipes": "lists",
    "models": "lists",
    "train": "train",
    "crossval": "crossval",
    "tune": "tune",
    "compare": "compare",
    "evaluate": "evaluate",
    "calibrate": "calibrate",
    "robustness": "robustness",
    "report": "report",
    "explore": "explore",
    "export": "export",
    "predict": "predict",
    "figures": "figures",
    "hardware": "hardware",
    "serve": "serve",
    "worker": "serve",
    "backup": "serve",
    "restore": "serve",
}
"""Commands, each a function of a module of this package."""
GROUPS = {"runs": ("runs", "runs_app"), "data": ("data", "data_app")}


def create_app(word: str = "") -> typer.Typer:
    """The command line with all commands, or with the one that a word names: importing the others
    takes longer than many commands do.
    """
    app = typer.Typer(
        name="dressform",
        help="Train, evaluate and use small-image classifiers.",
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    known = word in COMMANDS or word in GROUPS
    for name, module in COMMANDS.items():
        if name == word or not known:
            app.command()(getattr(import_module(f"dressform.cli.{module}"), name))
    for name, (module, group) in GROUPS.items():
        if name == word or not known:
            app.add_typer(getattr(import_module(f"dressform.cli.{module}"), group), name=name)
    app.callback(invoke_without_command=True)(start)
    return app


# typer brings its own copy of click in some versions, under a private name; this is ClickException
# in all of them.
_UsageError: Any = typer.BadParameter.__mro__[2]


def start(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Train, evaluate and use small-image classifiers."""
    if version:
        print(__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command line and exit: 0 done, 1 an error with a message, 2 wrong usage, 130
    interrupted.
    """
    try:
        _run()
    finally:
        gc.freeze()  # Python goes through all other objects when it ends: a quarter of predict


def _run() -> None:
    lost = sys.stdout is None
    _open_closed_streams()
    if lost:
        say("note: standard output is closed, so results are not printed; files are written")
    _check_current_folder()
    wait_briefly()
    command = typer.main.get_command(create_app(*sys.argv[1:2]))
    # most calls have no message; one may be about another command
    names = functools.cache(lambda: OptionNames(typer.main.get_command(create_app()), sys.argv[1:]))
    messages.translate = lambda message: names()(message)
    show_messages()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # file names may hold anything, and JSON is UTF-8 on every system
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout = cast(TextIO, Shown(sys.stdout, "standard output", escape=True))
    sys.stderr = cast(TextIO, Shown(sys.stderr, "standard error", escape=False))
    try:
        code = command(prog_name="dressform", standalone_mode=False)
        sys.stdout.flush()
    except ConfigError as error:
        message, hint = messages.translate(str(error)), spaces_hint(sys.argv[1:])
        _fail(f"{message.partition('; ')[0]}.{hint}" if hint else message, 2)
    except DressformError as error:
        _fail(messages.translate(str(error)), 1)
    except _UsageError as error:
        _fail(usage_message(error, sys.argv[1:]), 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail_interrupted()
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
            if TRAINING & set(sys.argv)
            else ""
        )
        _fail(f"{name}{error.strerror or error}{advice}", 1)
    if code == 130:  # typer's own way of telling Ctrl-C
        _fail_interrupted()
    sys.exit(code if isinstance(code, int) else 0)


def _open_closed_streams() -> None:
    """Streams that the caller closed lead nowhere, and no file that is opened gets their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))


def _check_current_folder() -> None:
    """Native libraries end the process without a reason where it is gone."""
    try:
        Path.cwd()
    except FileNotFoundError:
        _fail("the current folder was deleted; change to another one and start again", 1)


def _fail_interrupted() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C waits for no thread
    _fail(_interrupted(), 130)


def _interrupted() -> str:
    if TRAINING & set(sys.argv):
        return "interrupted; --resume continues from here"
    table = {"predict", "--out"} <= {word.partition("=")[0] for word in sys.argv}
    return f"interrupted{'; the same command continues from here' if table else ''}"


def _fail(message: str, code: int) -> None:
    line = one_line(" ".join(message.split()))
    print(
        json.dumps({"error": line}, ensure_ascii=False)
        if "--json" in sys.argv
        else f"dressform: {line}",
        file=sys.stderr,
    )
    sys.exit(code)
