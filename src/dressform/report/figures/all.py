"""Every figure of a run, written to its figures folder."""

from pathlib import Path

from dressform.data.dataset import DatasetSplits
from dressform.evaluation.calibrate import MIN_EXAMPLES, calibrate
from dressform.evaluation.evaluate import MAX_CONFUSION_CLASSES, describe, evaluate
from dressform.predictions.examples import examples_of
from dressform.report.figures.calibration import draw_calibration_history, draw_reliability
from dressform.report.figures.canvas import save
from dressform.report.figures.confusion import draw_confusion
from dressform.report.figures.history import draw_history
from dressform.report.figures.images import draw_first_images, draw_montage
from dressform.report.figures.per_class import draw_per_class
from dressform.runs.history import training_conditions
from dressform.runs.run import Run


def figure_names(run: Run) -> list[str]:
    """The files that :func:`draw_figures` writes for a run whose data are at hand."""
    few = len(run.manifest.dataset.class_names) <= MAX_CONFUSION_CLASSES
    of_predictions = [
        *(["confusion-counts.png", "confusion-normalised.png"] if few else []),
        "per-class.png",
        "montage.png",
    ]
    judged = any(run.layout.predictions(split).exists() for split in ("validation", "test"))
    calibrated = ["calibration.png"] if run.history()[0].get("val_ece") is not None else []
    return ["history.png", *calibrated, *(of_predictions if judged else []), "first-images.png"]


def draw_figures(run: Run, data: DatasetSplits | None) -> list[Path]:
    """Draw what can be drawn.

    Args:
        run: finished.
        data: what it was trained on; without it the two figures with pictures are left out.

    Returns:
        the files written: history, calibration over the epochs (with validation only), reliability
        (with 20 examples or more), confusion matrix (counts and normalised), per-class bars,
        montage, first images.

    Raises:
        RunError: the run is not finished.
        DataError: ``data`` are not the examples that were predicted.
    """
    folder = run.layout.figures
    split = "test" if run.layout.predictions("test").exists() else "validation"
    has_predictions = run.layout.predictions(split).exists()
    folder.mkdir(exist_ok=True)
    history, measured = run.history(), training_conditions(run.manifest.resolved)
    written = [save(draw_history(history, run.name, measured=measured), folder / "history.png")]
    calibration = draw_calibration_history([history], run.name)
    if calibration is not None:
        written.append(save(calibration, folder / "calibration.png"))
    if has_predictions:
        predictions = run.predictions(split)
        evaluation = evaluate(predictions)
        title = f"{run.name}, {split}"
        for normalised, name in (
            (False, "confusion-counts.png"),
            (True, "confusion-normalised.png"),
        ):
            if evaluation.confusion is None:
                continue
            figure = draw_confusion(
                evaluation.confusion, predictions.class_names, title, normalised=normalised
            )
            written.append(save(figure, folder / name))
        written.append(save(draw_per_class(evaluation, title), folder / "per-class.png"))
        both = split == "test" and run.layout.predictions("validation").exists()
        fitted_on = run.predictions("validation") if both else None
        if min(len(predictions), len(fitted_on or predictions)) >= MIN_EXAMPLES:
            written.append(
                save(
                    draw_reliability(calibrate(predictions, fitted_on=fitted_on), title),
                    folder / "reliability.png",
                )
            )
        if data is not None:
            dataset = examples_of(predictions, data, split)
            caption = f"{title}, accuracy {describe(evaluation.accuracy)}"
            written.append(
                save(draw_montage(dataset, predictions, caption), folder / "montage.png")
            )
    if data is not None:
        written.append(
            save(
                draw_first_images(data.train, f"First images of {data.name}"),
                folder / "first-images.png",
            )
        )
    return written
