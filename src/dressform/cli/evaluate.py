"""``dressform evaluate``."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json


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
    from dressform.runs.ledger import note_test_look
    from dressform.runs.run import open_run

    if what.suffix == ".npz" or what.is_file():
        if split is not None:
            raise ConfigError(f"--split {split} was given with a predictions file, which has no splits; leave it out")
        predictions = Predictions.load(what)
    else:
        run = open_run(what)
        chosen = split or ("test" if run.manifest.results.get("test_accuracy") is not None else "val")
        predictions = run.predictions(chosen)
        if chosen == "test" and len(run.path.resolve().parents) > 3:
            note_test_look(run.path.resolve().parents[2], what="evaluate", run=run.path, examples=len(predictions))
    evaluation = judge(predictions)
    if as_json:
        print_json(evaluation.to_json())
    else:
        print(evaluation.report(), end="")
