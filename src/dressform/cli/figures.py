"""``dressform figures``."""

from pathlib import Path

import typer

from dressform.cli.complete import complete_runs
from dressform.cli.lists import Json
from dressform.cli.output import print_json


def figures(
    run: Path = typer.Argument(help="The folder of a finished run.", autocompletion=complete_runs),
    as_json: bool = Json,
) -> None:
    """Redraw a run's figures."""
    from dressform.workbench.pages import draw_figures

    written = [str(path) for path in draw_figures(run)]
    if as_json:
        print_json(written)
    else:
        print("\n".join(written))
