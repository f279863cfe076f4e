"""``dressform predict``: no torch."""

import sys
from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say


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
    from dressform.core.errors import DataError
    from dressform.core.text import one_line
    from dressform.predict.predictor import OOD_THRESHOLD, Prediction, Predictor, find_images
    from dressform.runs.run import best_run

    target = None
    if explain is not None:
        from dressform.reporting.explanation import write_explanation
        from dressform.reporting.output import target_of

        target = target_of(explain, explain, "explained.html", option="--explain")
    paths = find_images([p for p in images if p != "-"])
    run, why = (None, "") if model is not None else best_run()
    predictor = Predictor(
        run or str(model),
        photos=photos,
        threshold=OOD_THRESHOLD if threshold is None else threshold,
    )
    if run is not None:
        say(f"model: {predictor.description.name}, {why} ({run.path})")
    confidence = predictor.description.confidence
    if confidence is not None and "confident by" in confidence.sentence:
        say(
            f"note: probabilities are not calibrated; on {confidence.examples:,} validation "
            f"examples {confidence.sentence}"
        )
    answers: list[Prediction] = []
    errors: list[DataError] = []
    piped = [sys.stdin.buffer.read()] if "-" in images else []
    for answer in predictor.predict_many([*piped, *paths], top=top):
        if isinstance(answer, DataError):
            errors.append(answer)
            continue
        answers.append(answer)
        if not as_json:
            shares = ", ".join(f"{label} {100 * p:.1f} %" for label, p in answer.top)
            print(one_line(f"{answer.path}: {f'unsure ({shares})' if answer.abstain else shares}"))
            for line in answer.warnings:
                print(one_line(f"  note: {line}"))
    if as_json and (answers or not errors):
        tops = [[{"label": label, "probability": p} for label, p in a.top] for a in answers]
        print_json(
            [
                {
                    "path": a.path,
                    "abstain": a.abstain,
                    "ood_p_value": a.ood_p_value,
                    "top": top,
                    "warnings": list(a.warnings),
                }
                for a, top in zip(answers, tops, strict=True)
            ]
        )
    if target is not None and answers:
        write_explanation(target, answers, predictor.description.name)
        say(f"explanation written to {target}")
    if errors:
        more = f" (and {len(errors) - 1} more unreadable images)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}")
