"""``dressform predict``: no torch."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say

if TYPE_CHECKING:
    from dressform.predict.image_input import ImageInput
    from dressform.predict.predictor import Prediction, Predictor


def predict(
    images: list[str] = typer.Argument(
        help="Image files or folders; - reads one image from stdin."
    ),
    model: str | None = typer.Option(
        None,
        "--model",
        help="Folder of a run, or one with model.onnx and model.json. Default: the run with the "
        "best validation accuracy.",
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        help="Write a table with a row per image, errors among them: .csv, .csv.gz, .jsonl or "
        ".parquet. Started again after an interruption, it continues.",
    ),
    top: int = typer.Option(3, "--top", min=1, help="How many classes to show."),
    explain: Path | None = typer.Option(
        None,
        "--explain",
        help="Write an HTML page that shows each step from the photo to the network's input.",
    ),
    threshold: float | None = typer.Option(
        None,
        "--threshold",
        min=0,
        max=1,
        help="Fraction of in-distribution images that are answered with unsure. "
        "Default: 0.02; 0 always answers.",
    ),
    photos: bool = typer.Option(
        True,
        "--photos/--no-photos",
        help="Segment the object in a photo if the model was trained on objects on black; "
        "otherwise only resize.",
    ),
    as_json: bool = Json,
) -> None:
    """Classify images."""
    from dressform.core.errors import ConfigError
    from dressform.predict.found_images import find_images
    from dressform.predict.predictor import OOD_THRESHOLD, Predictor
    from dressform.runs.run import best_run

    target = None
    if explain is not None:
        from dressform.reporting.output import target_of

        if out is not None:
            raise ConfigError(
                "--explain shows every step of every image, which --out does not keep; give one "
                "of them"
            )
        target = target_of(explain, explain, "explained.html", option="--explain")
    files = find_images([p for p in images if p != "-"])
    for line in files.notes():
        say(f"note: {line}")
    run, why = (None, "") if model is not None else best_run()
    predictor = Predictor(
        run or str(model),
        photos=photos,
        threshold=OOD_THRESHOLD if threshold is None else threshold,
        spin=False,  # its threads take turns with those that decode
    )
    if run is not None:
        say(f"model: {predictor.description.name}, {why} ({run.path})")
    confidence = predictor.description.confidence
    if confidence is not None and "confident by" in confidence.sentence:
        say(
            f"note: probabilities are not calibrated; on {confidence.examples:,} validation "
            f"examples {confidence.sentence}"
        )
    piped = [sys.stdin.buffer.read()] if "-" in images else []
    sources: list[ImageInput] = [*piped, *files.paths]
    if out is not None:
        _write(predictor, sources, out, top, as_json)
    else:
        _show(predictor, sources, top, target, as_json)


def _write(
    predictor: "Predictor", sources: "Sequence[ImageInput]", out: Path, top: int, as_json: bool
) -> None:
    """Predict into a table."""
    from dressform.cli.count_progress import CountProgress
    from dressform.core.errors import DataError
    from dressform.predict.prediction_table import write_predictions

    with CountProgress("classifying") as progress:
        summary = write_predictions(predictor, sources, out, top=top, progress=progress)
    if as_json:
        print_json(
            {key: v for key, v in dataclasses.asdict(summary).items() if key != "first_error"}
        )
    else:
        kept = f" ({summary.already:,} from before)" if summary.already else ""
        print(
            f"{summary.out}: {summary.images:,} row{'s' if summary.images != 1 else ''}{kept}, "
            f"{summary.abstained:,} unsure, {summary.errors:,} unreadable"
        )
    if summary.errors:
        first = f"; the first: {summary.first_error}" if summary.first_error else ""
        raise DataError(
            f"{summary.errors:,} of {summary.images:,} images could not be read; the column error "
            f"of {summary.out} says why{first}"
        )


def _show(
    predictor: "Predictor",
    sources: "Sequence[ImageInput]",
    top: int,
    target: Path | None,
    as_json: bool,
) -> None:
    """Print the answers."""
    from dressform.core.errors import DataError
    from dressform.core.text import one_line

    answers: list[Prediction] = []
    first_error, errors = "", 0
    for answer in predictor.predict_many(sources, top=top, keep_prepared=target is not None):
        if isinstance(answer, DataError):
            if errors:
                say(f"error: {answer}")
            first_error, errors = first_error or str(answer), errors + 1
            continue
        if as_json or target is not None:
            answers.append(answer)
        if not as_json:
            shares = ", ".join(f"{label} {100 * p:.1f} %" for label, p in answer.top)
            print(one_line(f"{answer.path}: {f'unsure ({shares})' if answer.abstain else shares}"))
            for line in answer.warnings:
                print(one_line(f"  note: {line}"))
    if as_json and (answers or not errors):
        print_json([_document(answer) for answer in answers])
    if target is not None and answers:
        from dressform.reporting.explanation import write_explanation

        write_explanation(target, answers, predictor.description.name)
        say(f"explanation written to {target}")
    if errors:
        more = f" (and {errors - 1} more unreadable images)" if errors > 1 else ""
        raise DataError(f"{first_error}{more}")


def _document(answer: "Prediction") -> dict[str, object]:
    """A prediction as JSON."""
    return {
        "path": answer.path,
        "abstain": answer.abstain,
        "ood_p_value": answer.ood_p_value,
        "top": [{"label": label, "probability": p} for label, p in answer.top],
        "warnings": list(answer.warnings),
    }
