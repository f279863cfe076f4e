"""What a page's document says about one model: scores, curves, thresholds, calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.numbers import percent
from dressform.evaluation.calibrate import MIN_EXAMPLES
from dressform.evaluation.calibration import FEW_EXAMPLES, mean_confidence, reliability
from dressform.evaluation.evaluate import evaluate, temperature_note
from dressform.evaluation.intervals import wilson
from dressform.evaluation.metrics import METRICS
from dressform.evaluation.ranking import ClassCurves, Curve, ranking_curves
from dressform.evaluation.selective import (
    MIN_CHOICE,
    TARGETS,
    OperatingPoint,
    coverage_curve,
    operating_point,
    threshold_for,
)
from dressform.exploration.neighbours import Metric
from dressform.predictions import Predictions
from dressform.reporting.page.schema import (
    BinDocument,
    CalibrationDocument,
    CurvesDocument,
    ModelDocument,
    OperatingPointDocument,
    SelectiveDocument,
    TargetDocument,
)

MAX_CURVE_POINTS = 120
"""Points of a curve on the page; its area is that of all of them."""
MIN_CURVE_POINTS = 24
MAX_POINTS_OF_ALL = 12_000
"""Points of all curves of one kind; many classes have coarser curves."""


@dataclass(frozen=True, eq=False)
class ModelReport:
    """What a report shows of one model.

    Attributes:
        name: for people.
        predictions: of the examples that all models of the report share, in one order.
        facts: names and values, such as ("recipe", "fast").
        history: the rows of results.csv; may be empty.
        history_note: how the training values were measured.
        validation: predictions of other examples, on which thresholds are chosen, or None: they are
            chosen on ``predictions`` themselves, and the page says so.
        training: predictions of the training images of the page, in their order, or None.
        trained_on: bool [M], which of the training images the model was trained on; the others were
            held out for validation. None: all.
        out_of_fold: predictions of the training images by models that were not trained on them, in
            the same order; assess their labels. Or None.
        neighbours: by metric, indices on the page, int64 [N or all, k], nearest first, and their
            distances, float32.
        saliency: uint8 [N, h, w], or None.
        missing: what the report lacks and why, a line each.
        estimates: by metric, in place of those of the predictions, which know nothing of folds;
            None: those of the predictions.
    """

    name: str
    predictions: Predictions
    facts: Sequence[tuple[str, str]] = ()
    history: Sequence[dict[str, Any]] = ()
    history_note: str = ""
    validation: Predictions | None = None
    training: Predictions | None = None
    trained_on: NDArray[np.bool_] | None = None
    out_of_fold: Predictions | None = None
    neighbours: Mapping[Metric, tuple[NDArray[np.int64], NDArray[np.float32]]] = field(
        default_factory=dict
    )
    saliency: NDArray[np.uint8] | None = None
    missing: list[str] = field(default_factory=list)
    estimates: Mapping[str, dict[str, Any]] | None = None


def model_document(model: ModelReport, split: str) -> ModelDocument:
    """The part of a page's document that is about one model.

    Args:
        model: what is known of it.
        split: name of its examples.
    """
    evaluation, n = evaluate(model.predictions), len(model.predictions)
    scores, missing, calibration = evaluation.to_json(), list(model.missing), None
    if n >= MIN_EXAMPLES:
        calibration = _calibration(model.predictions, evaluation.estimates["ece"].value)
    else:
        missing.append(f"calibration: needs {MIN_EXAMPLES} examples, there are {n}")
    curves = ranking_curves(model.predictions)
    present = [one for one in curves if one is not None]
    if absent := len(curves) - len(present):
        missing.append(
            f"precision-recall and ROC curves of {absent} of {len(curves)} classes: they need "
            f"examples of the class and of others"
        )
    return {
        "name": model.name,
        "examples": n,
        "temperature": temperature_note(
            model.predictions.temperature,
            "validation" if model.validation is not None or split == "validation" else None,
        ),
        "facts": [list(fact) for fact in model.facts],
        "missing": missing,
        "calibration": calibration,
        "estimates": [
            {
                "name": name,
                "title": METRICS[name].title,
                "percent": METRICS[name].percent,
                "greater_is_better": METRICS[name].greater_is_better,
                **(model.estimates or {}).get(name, values),
            }
            for name, values in scores["estimates"].items()
        ],
        "per_class": scores["per_class"],
        "confusion": scores["confusion"],
        "curves": _curves(curves),
        "macro_average_precision": _macro([one.average_precision.value for one in present]),
        "macro_roc_auc": _macro([one.roc_auc.value for one in present]),
        "selective": _selective(model, split),
        "history": list(model.history),
        "history_note": model.history_note,
    }


def _macro(areas: Sequence[float]) -> float | None:
    return fmean(areas) if areas else None


def _curves(curves: Sequence[ClassCurves | None]) -> list[CurvesDocument | None]:
    limit = max(MIN_CURVE_POINTS, min(MAX_CURVE_POINTS, MAX_POINTS_OF_ALL // len(curves)))

    def points(curve: Curve) -> list[list[float | None]]:
        few = curve.thinned(limit)
        rows = zip(few.x.tolist(), few.y.tolist(), few.thresholds.tolist(), strict=True)
        return [
            [round(x, 4), round(y, 4), round(t, 4) if np.isfinite(t) else None] for x, y, t in rows
        ]

    return [
        None
        if one is None
        else {
            "average_precision": one.average_precision.to_json(),
            "roc_auc": one.roc_auc.to_json(),
            "precision_recall": points(one.precision_recall),
            "roc": points(one.roc),
        }
        for one in curves
    ]


def _selective(model: ModelReport, split: str) -> SelectiveDocument:
    predictions, validation = model.predictions, model.validation
    chosen_on = predictions if validation is None else validation
    too_few = validation is not None and len(validation) < MIN_CHOICE
    targets = list[TargetDocument]()
    for target in () if too_few else TARGETS:
        threshold = threshold_for(chosen_on, target)
        point = None if threshold is None else operating_point(predictions, threshold)
        targets.append(
            {"precision": target, "point": None if point is None else _point_document(point)}
        )
    return {
        "measured_on": f"{len(predictions):,} {split} images",
        "chosen_on": None if validation is None else f"{len(validation):,} validation images",
        "curve": [_point_document(point) for point in coverage_curve(predictions)],
        "targets": targets,
        "too_few": len(chosen_on) if too_few else None,
    }


def _point_document(point: OperatingPoint) -> OperatingPointDocument:
    coverage, precision = point.coverage, point.precision
    return {
        "threshold": point.threshold,
        "coverage": [coverage.value, coverage.low, coverage.high],
        "precision": None
        if precision is None
        else [precision.value, precision.low, precision.high],
    }


def _calibration(predictions: Predictions, ece: float) -> CalibrationDocument:
    diagram = reliability(predictions)
    bins = list[BinDocument]()
    for i, count in enumerate(diagram.count.tolist()):
        row: BinDocument = {
            "from": float(diagram.edges[i]),
            "to": float(diagram.edges[i + 1]),
            "count": count,
            "fraction": count / len(predictions),
            "few": count < FEW_EXAMPLES,
        }
        if count:
            accuracy = wilson(round(float(diagram.accuracy[i]) * count), count)
            row["confidence"] = float(diagram.confidence[i])
            row["accuracy"] = accuracy.value
            row["low"], row["high"] = accuracy.low, accuracy.high
        bins.append(row)
    sentence = mean_confidence(predictions)[2]
    summary = (
        f"{sentence[0].upper()}{sentence[1:]}. Expected calibration error (ECE): {percent(ece)}."
    )
    return {"bins": bins, "summary": summary}
