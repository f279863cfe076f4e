"""Other Python processes of ours."""

import os
import sys
from pathlib import Path


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module in a process of its own.

    With -P, so that what lies in the working directory, which may be a stranger's, is not imported
    in place of a library.
    """
    return [sys.executable, "-P", "-m", name, *arguments]


def python_environment(**settings: str) -> dict[str, str]:
    """This process's environment and places to import from, and further settings."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if Path(p).is_absolute()),
        **settings,
    }
