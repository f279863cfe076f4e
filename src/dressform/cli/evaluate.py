"""``dressform evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say

if TYPE_CHECKING:
    from dressform.runs.run import Run


def evaluate(
    what: Path = typer.Argument(help="The folder of a run, or a predictions file (.npz)."),
    split: str | None = typer.Option(
        None, "--split", help="val or test; of a run only. Default: test, or val where there is no test."
    ),
    as_json: bool = Json,
) -> None:
    """Judge a run or a predictions file.

    Prints accuracy with its interval, scores per class and, with --json, the confusion matrix.
    """
    from dressform.core.errors import ConfigError
    from dressform.evaluation.evaluate import evaluate as judge
    from dressform.predictions import Predictions
    from dressform.runs.run import open_run

    if what.suffix == ".npz" or what.is_file():
        if split is not None:
            raise ConfigError(f"--split {split} was given with a predictions file, which has no splits; leave it out")
        predictions = Predictions.load(what)
    else:
        run = open_run(what)
        chosen = split or ("test" if run.layout.predictions("test").exists() else "val")
        say(f"split: {chosen}")
        predictions = run.predictions(chosen)
        if chosen == "test":
            _note_look(run, len(predictions))
    evaluation = judge(predictions)
    if as_json:
        print_json(evaluation.to_json())
    else:
        print(evaluation.report(), end="")


def _note_look(run: "Run", examples: int) -> None:
    """Write the look into the ledger of the runs folder; a run that was copied out of one has none."""
    from dressform.runs.layout import ledger
    from dressform.runs.ledger import note_test_look

    parents = run.path.resolve().parents
    if len(parents) < 3 or not ledger(parents[2]).exists():
        return
    try:
        note_test_look(parents[2], what="evaluate", run=run.path, examples=examples)
    except OSError as error:
        say(f"note: this look at test could not be written to {ledger(parents[2])} ({error.strerror})")
