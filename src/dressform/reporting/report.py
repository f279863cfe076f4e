"""`write_report`: runs, cross-validations, predictions files and models become one page."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dressform.core.errors import ConfigError
from dressform.data.dataset import Dataset
from dressform.evaluation.compare import compare
from dressform.evaluation.evaluate import MAX_CONFUSION_CLASSES
from dressform.predict.prediction_sets import check_same_images, kind_of, with_distinct_names
from dressform.reporting.inspection import Inspection, ReportOptions, inspect
from dressform.reporting.output import target_of, write_checked
from dressform.reporting.page.citation import listed_models
from dressform.reporting.page.document import Report, report_document
from dressform.reporting.page.models import ModelReport
from dressform.runs.crossval import is_crossval
from dressform.runs.manifest import timestamp
from dressform.runs.run import open_run

logger = logging.getLogger(__name__)


def write_report(
    paths: Sequence[str | Path],
    options: ReportOptions | None = None,
    *,
    out: str | Path | None = None,
) -> Path:
    """Write one self-contained page about one or several models.

    Args:
        paths: folders of runs or cross-validations, predictions files, or ONNX models; several must
            have predictions of the same examples.
        options: split, data and more.
        out: the HTML file; default: ``report.html`` in the folder of the first run, else in the
            working directory; ``report-NAME.html`` for images that are not the run's own.

    Returns:
        the file.

    Raises:
        DressformError: nothing to show, models of different examples, or a path that cannot be
            used.
    """
    if not paths:
        raise ConfigError(
            "nothing to report on; give a run, a cross-validation, a predictions file or an .onnx "
            "model"
        )
    options = options or ReportOptions()
    if len(paths) > 1 and options.data is None:
        runs = [open_run(p) for p in paths if not is_crossval(p) and kind_of(p) == "run"]
        check_same_images(runs, options.split)
    inspections = [inspect(path, options) for path in paths]
    prediction_sets = with_distinct_names([one.prediction_set for one in inspections], paths)
    inspections = [
        inspection.renamed(prediction_set.name)
        for inspection, prediction_set in zip(inspections, prediction_sets, strict=True)
    ]
    first = inspections[0].model
    if len(first.predictions.class_names) > MAX_CONFUSION_CLASSES:
        raise ConfigError(
            f"{first.name} has {len(first.predictions.class_names)} classes; a report shows up to "
            f"{MAX_CONFUSION_CLASSES}"
        )
    comparisons = compare(prediction_sets) if len(inspections) > 1 else []
    inspections = [
        inspections[0],
        *(one.in_order_of(first.predictions, first.name) for one in inspections[1:]),
    ]
    with_images = next((one for one in inspections if one.images is not None), None)
    models, training_images = _with_neighbours(
        inspections, None if with_images is None else with_images.training_images
    )
    split, name = inspections[0].split, inspections[0].data_name
    shown = f"{len(first.predictions):,} {split} examples"
    if name:
        of_split = "" if split == "new" else f"{split} "
        shown = f"{len(first.predictions):,} {of_split}examples of {name}"
    report = Report(
        title=first.name if len(paths) == 1 else f"Comparison of {listed_models(models)}",
        made=f"{timestamp()}: {shown}",
        split=split,
        models=models,
        comparisons=comparisons,
        images=None if with_images is None else with_images.images,
        training_images=training_images,
    )
    for line in first.missing:
        logger.warning("the page lacks %s", line)
    target = target_of(out, paths[0], _file_name(name))
    write_checked(target, *report_document(report))
    return target


def _file_name(data: str) -> str:
    """What a page is called: the run's own page is not overwritten by one of other images."""
    words = re.sub(r"[^\w.-]+", "-", data).strip("-.")
    return f"report-{words}.html" if words else "report.html"


def _with_neighbours(
    inspections: Sequence[Inspection], reference: Dataset | None
) -> tuple[list[ModelReport], Dataset | None]:
    """Turn indices of training images into numbers on the page.

    Args:
        inspections: of all models, in one order.
        reference: the training images; models that were trained on others lose their neighbours.

    Returns:
        the models, and the training images that are neighbours of any: the only ones on the page.
    """
    models = [_without_foreign_neighbours(inspection, reference) for inspection in inspections]
    indices = [rows.ravel() for model in models for rows, _ in model.neighbours.values()]
    if reference is None or not indices:
        return models, None
    shown, first = np.unique(np.concatenate(indices)), len(models[0].predictions)
    renumbered = [
        replace(
            model,
            neighbours={
                metric: (first + np.searchsorted(shown, rows), distances)
                for metric, (rows, distances) in model.neighbours.items()
            },
        )
        for model in models
    ]
    return renumbered, reference.take(shown)


def _without_foreign_neighbours(inspection: Inspection, reference: Dataset | None) -> ModelReport:
    """The model, without neighbours among other images than the reference."""
    model, training_images = inspection.model, inspection.training_images
    if reference is None:
        return replace(model, neighbours={})
    if not model.neighbours or training_images is None:
        return model
    if training_images.digest == reference.digest:
        return model
    reason = "nearest training images: this model was trained on other images than the first"
    return replace(model, neighbours={}, missing=[*model.missing, reason])
