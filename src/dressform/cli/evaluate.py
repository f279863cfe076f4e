"""``dressform evaluate``: no torch."""

from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say


def evaluate(
    what: Path = typer.Argument(
        help="A run or a cross-validation, a predictions file (.npz, .csv, .csv.gz, .parquet), or "
        "an .onnx model of any framework."
    ),
    split: str | None = typer.Option(
        None,
        "--split",
        help="test, validation, or (a model's) train. Default: test, or a run's validation where "
        "it has no test.",
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="The pictures for an .onnx model: a dataset's name, or a path. Default: "
        "fashion-mnist.",
    ),
    pixels: str | None = typer.Option(
        None,
        "--pixels",
        help="What an .onnx model of floats takes: unit, 0 to 1 (default), or raw, 0 to 255.",
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
    as_json: bool = Json,
) -> None:
    """Judge a run, a predictions file, or an ONNX model.

    Prints accuracy with its interval, scores per class and, with --json, the confusion matrix.
    """
    from dressform.core.errors import ConfigError
    from dressform.evaluation.evaluate import evaluate as judge
    from dressform.predict.prediction_sets import kind_of, load_predictions_of, split_of
    from dressform.runs.crossval import is_crossval, open_crossval
    from dressform.runs.ledger import note_look
    from dressform.runs.run import open_run

    crossval = is_crossval(what)
    kind = "crossval" if crossval else kind_of(what)
    given = {"--split": split, "--data": data, "--pixels": pixels, "--image-size": image_size}
    useless, reason = {
        "crossval": (set(given), "a cross-validation, which keeps its out-of-fold predictions"),
        "predictions": (set(given), "a predictions file, which has no splits and no pictures"),
        "run": (set(given) - {"--split"}, "a run, which keeps its predictions"),
        "model": (set(), ""),
    }[kind]
    for option, value in given.items():
        if value is not None and option in useless:
            raise ConfigError(f"{option} {value} was given with {reason}; leave it out")
    if crossval:
        predictions = open_crossval(what).out_of_fold()[0][0]
        say(
            "note: all folds of repeat 0 pooled, the models taken as given;"
            " for the recipe, and means over folds, see its crossval.json"
        )
    else:
        _, predictions = load_predictions_of(
            what, split, data or "fashion-mnist", pixels or "unit", image_size, say=say
        )
    if kind == "run" and split_of(run := open_run(what), split) == "test":
        problem = note_look(run.path, what="evaluate", examples=len(predictions))
        if problem:
            say(f"note: {problem}")
    evaluation = judge(predictions)
    if as_json:
        print_json(evaluation.to_json())
    else:
        print(evaluation.report(), end="")
