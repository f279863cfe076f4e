"""Every figure of a run, written to its figures folder."""

from pathlib import Path

from dressform.data.dataset import DatasetSplits
from dressform.evaluation.calibrate import MIN_EXAMPLES, calibrate
from dressform.evaluation.evaluate import (
    MAX_CONFUSION_CLASSES,
    class_scores,
    confusion_of,
    describe,
    estimates,
)
from dressform.evaluation.metrics import METRICS, Scores
from dressform.predict.prediction_sets import split_of
from dressform.predictions.examples import examples_of
from dressform.reporting.figures.calibration import draw_calibration_history, draw_reliability
from dressform.reporting.figures.canvas import LONGEST_TITLE, origin_of, save, short_name
from dressform.reporting.figures.confusion import draw_confusion
from dressform.reporting.figures.history import draw_history
from dressform.reporting.figures.images import draw_first_images, draw_montage
from dressform.reporting.figures.per_class import draw_per_class
from dressform.runs.history import training_conditions
from dressform.runs.run import Run


def figure_names(run: Run) -> list[str]:
    """The files that :func:`draw_figures` writes for a run whose data are available."""
    few = len(run.manifest.dataset.class_names) <= MAX_CONFUSION_CLASSES
    of_predictions = [
        *(["confusion-counts.png", "confusion-normalised.png"] if few else []),
        "per-class.png",
        "montage.png",
    ]
    predicted = any(run.layout.predictions(split).exists() for split in ("validation", "test"))
    calibration = ["calibration.png"] if run.history()[0].get("val_ece") is not None else []
    return [
        "history.png",
        *calibration,
        *(of_predictions if predicted else []),
        "first-images.png",
    ]


def draw_figures(run: Run, data: DatasetSplits | None) -> list[Path]:
    """Draw what can be drawn.

    Args:
        run: finished.
        data: what it was trained on; without it, the two figures with images are left out.

    Returns:
        the files written: history, calibration over the epochs (with validation only), confusion
        matrix (counts and normalised), per-class metrics, reliability diagram (with 20 examples or
        more), montage, first images.

    Raises:
        RunError: the run is not finished.
        DataError: ``data`` are not the examples that were predicted.
    """
    folder, name = run.layout.figures, _title(run)
    folder.mkdir(exist_ok=True)
    history, measured = (
        run.history(),
        ", ".join(["during training", *training_conditions(run.manifest.resolved)]),
    )
    origin = origin_of(run.path, run.name)
    written = [save(draw_history(history, name, measured=measured), folder / "history.png", origin)]
    calibration = draw_calibration_history([history], name)
    if calibration is not None:
        written.append(save(calibration, folder / "calibration.png", origin))
    split = split_of(run, None)
    if run.layout.predictions(split).exists():
        written += _draw_predictions(run, split, data)
    if data is not None:
        first = draw_first_images(data.train, f"First images of {short_name(data.name)}")
        written.append(save(first, folder / "first-images.png", origin))
    return written


def _title(run: Run) -> str:
    return short_name(run.name, LONGEST_TITLE)


def _draw_predictions(run: Run, split: str, data: DatasetSplits | None) -> list[Path]:
    """The figures of a run's predictions of a split."""
    folder, predictions = run.layout.figures, run.predictions(split)
    origin = origin_of(run.path, run.name)
    title, written = f"{_title(run)}, {split}", []
    names, scores = predictions.class_names, Scores(predictions)
    confusion = confusion_of(predictions)
    if confusion is not None:
        for normalised, name in ((False, "counts"), (True, "normalised")):
            matrix = draw_confusion(confusion, names, title, normalised=normalised)
            written.append(save(matrix, folder / f"confusion-{name}.png", origin))
    per_class = draw_per_class(class_scores(names, scores), title)
    written.append(save(per_class, folder / "per-class.png", origin))
    validation = None
    if split == "test" and run.layout.predictions("validation").exists():
        validation = run.predictions("validation")
    if min(len(predictions), len(validation or predictions)) >= MIN_EXAMPLES:
        diagram = draw_reliability(
            calibrate(predictions, fitted_on=validation),
            title,
            fitted_on="held-out parts" if validation is None else "validation",
        )
        written.append(save(diagram, folder / "reliability.png", origin))
    if data is not None:
        accuracy = estimates([METRICS["accuracy"]], scores)["accuracy"]
        caption = f"{title}, accuracy {describe(accuracy)}"
        montage = draw_montage(examples_of(predictions, data, split), predictions, caption)
        written.append(save(montage, folder / "montage.png", origin))
    return written
