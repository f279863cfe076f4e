"""``dressform figures``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json


def figures(
    run: Path = typer.Argument(help="The folder of a finished run."), as_json: bool = Json
) -> None:
    """Draw the figures of a run anew."""
    from dressform.workbench import redraw

    written = [str(path) for path in redraw(run)]
    if as_json:
        print_json(written)
    else:
        print("\n".join(written))
