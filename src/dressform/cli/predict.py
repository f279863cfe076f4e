"""``dressform predict``: no torch."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.complete import complete_models
from dressform.cli.lists import Json
from dressform.cli.output import print_json, say
from dressform.core.numbers import percent

if TYPE_CHECKING:
    from dressform.predict.image_input import ImageInput
    from dressform.predict.prediction import Prediction
    from dressform.predict.predictor import Predictor


def predict(
    images: list[str] = typer.Argument(
        help="Image files or folders; - reads one image from stdin."
    ),
    model: str | None = typer.Option(
        None,
        "--model",
        help="Folder of a run, or one with model.onnx and model.json; shipped for the model that "
        "comes with dressform. Default: the run with the best validation accuracy, or without "
        "runs the shipped model.",
        autocompletion=complete_models,
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
        help="Write an HTML page of all images: each step from the photo to the network's input, "
        "probabilities and saliency map.",
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
    from dressform.predict.model_folder import find_model, shipped_advice
    from dressform.predict.predictor import OOD_THRESHOLD, Predictor
    from dressform.runs.run import Run

    target = None
    if explain is not None:
        from dressform.reporting.output import target_of

        if out is not None:
            raise ConfigError(
                "--explain shows every step of every image, which --out does not keep; give one "
                "of them"
            )
        target = target_of(explain, explain, "explained.html", argument="explain")
    files = find_images([p for p in images if p != "-"])
    if target is not None:
        from dressform.reporting.explanation import check_count

        check_count(len(files.paths))
    for line in files.notes():
        say(f"note: {line}")
    chosen, why = find_model(model)
    predictor = Predictor(
        chosen,
        photos=photos,
        threshold=OOD_THRESHOLD if threshold is None else threshold,
        spin=False,  # its threads take turns with those that decode
    )
    if why:
        where = chosen if isinstance(chosen, Path) else chosen.path
        say(f"model: {predictor.description.name}, {why} ({where})")
        if isinstance(chosen, Run) and (advice := shipped_advice(chosen)):
            say(f"note: {advice}; use it with --model shipped")
    confidence = predictor.description.confidence
    if confidence is not None and "confident by" in confidence.sentence:
        calibrated = ", with calibrated probabilities" if confidence.temperature != 1 else ""
        say(
            f"note: on {confidence.examples:,} validation examples{calibrated}: "
            f"{confidence.sentence}"
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
    from dressform.core.text import counted
    from dressform.predict.prediction_table import write_predictions

    with CountProgress("classifying") as progress:
        summary = write_predictions(predictor, sources, out, top=top, progress=progress)
    if as_json:
        print_json(
            {key: v for key, v in dataclasses.asdict(summary).items() if key != "first_error"}
        )
    else:
        kept = f" ({summary.already:,} from before)" if summary.already else ""
        unsure = "unsure: not available"
        if summary.abstained is not None:
            unsure = f"{summary.abstained:,} unsure"
        print(
            f"{summary.out}: {summary.images:,} row{'s' if summary.images != 1 else ''}{kept}, "
            f"{unsure}, {summary.errors:,} unreadable"
        )
    if summary.changed:
        have = "image has" if summary.changed == 1 else "images have"
        are = "is" if summary.changed == 1 else "are"
        say(f"note: {summary.changed:,} {have} changed since and {are} predicted again")
    if summary.dropped:
        rows = counted(summary.dropped, "row")
        say(f"note: {rows} with an error dropped, as the image is gone")
    if summary.abstained and predictor.abstention is not None:
        say(f"note: where the model is unsure: {predictor.abstention}")
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
    from dressform.core.text import counted, one_line

    answers: list[Prediction] = []
    first_error, errors, unsure = "", 0, 0
    for answer in predictor.predict_many(sources, top=top, keep_prepared=target is not None):
        if isinstance(answer, DataError):
            if errors:
                say(f"error: {answer}")
            first_error, errors = first_error or str(answer), errors + 1
            continue
        unsure += bool(answer.abstain)
        if as_json or target is not None:
            answers.append(answer)
        if not as_json:
            shares = ", ".join(f"{label} {percent(p)}" for label, p in answer.top)
            print(one_line(f"{answer.path}: {f'unsure ({shares})' if answer.abstain else shares}"))
            for line in answer.warnings:
                print(one_line(f"  note: {line}"))
            if getattr(sys.stdout, "closed_by_reader", False):  # predict … | head -1
                return
    if unsure and predictor.abstention is not None:
        say(f"note: the model is unsure about {unsure:,} of these images; {predictor.abstention}")
    if as_json and (answers or not errors):
        print_json([_document(answer) for answer in answers])
    if target is not None and answers:
        from dressform.reporting.explanation import write_explanation

        say(f"computing saliency maps of {counted(len(answers), 'image')} …")
        attribution = write_explanation(target, answers, predictor)
        say(f"explanation written to {target} (saliency: {attribution.method})")
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
