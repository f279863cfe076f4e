"""What a report says: its JSON document and its arrays, computed from predictions and what else is
known.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.data.dataset import Dataset
from dressform.evaluation.calibrate import MIN_EXAMPLES
from dressform.evaluation.calibration import mean_confidence, reliability
from dressform.evaluation.comparison import Comparison
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.intervals import wilson
from dressform.evaluation.metrics import METRICS
from dressform.explore.label_issues import find_label_issues
from dressform.explore.neighbours import Metric
from dressform.predictions import Predictions, softmax
from dressform.report.page.blobs import Blob, array_blob, text_blob
from dressform.report.page.sheets import make_sheets
from dressform.runs.manifest import packages

FORMAT = 1
SHOWN_CLASSES = 10
"""Probabilities kept of each example: those of its most likely classes."""
NEIGHBOUR_QUALITY = 25
"""WebP quality of pictures that appear as neighbours only; 28 x 28 grey ones take about 120 bytes
each.
"""
LEVELS = 15
"""Steps of a saliency map, which so packs to a third."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A projection as a page shows it.

    Attributes:
        title: for people.
        embedding: float32 [all, D].
        explained: float64 [D], of principal components: shares of the variance; the page offers a
            choice of them. Else empty.
    """

    title: str
    embedding: NDArray[np.float32]
    explained: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Inspected:
    """One run as a report shows it.

    Attributes:
        name: for people.
        predictions: of the examples that all runs of the report share, in one order.
        facts: name and value, such as ("recipe", "fast").
        history: the rows of results.csv, or none.
        history_note: what the losses are.
        others: of the pictures that the page has besides (training pictures), in their order, or
            None.
        learned: bool, which of those the run learned from; the rest was held out for validation.
            None: all.
        out_of_fold: of those, by models that did not learn from them, in the same order, or None:
            it judges their labels.
        near: by ``cosine`` and perhaps ``euclidean``: numbers of pictures on the page, int64 [N or
            all, k], nearest first, and their distances, float32.
        saliency: uint8 [N, h, w]; None where that is not known.
        missing: a line for each thing that could not be made.
        estimates: by metric, in place of those of the predictions, which know nothing of folds;
            None: those of the predictions.
    """

    name: str
    predictions: Predictions
    facts: Sequence[tuple[str, str]] = ()
    history: Sequence[dict[str, Any]] = ()
    history_note: str = ""
    others: Predictions | None = None
    learned: NDArray[np.bool_] | None = None
    out_of_fold: Predictions | None = None
    near: Mapping[Metric, tuple[NDArray[np.int64], NDArray[np.float32]]] = field(
        default_factory=dict
    )
    saliency: NDArray[np.uint8] | None = None
    missing: list[str] = field(default_factory=list)
    estimates: Mapping[str, dict[str, Any]] | None = None


def report_document(
    title: str,
    made: str,
    split: str,
    runs: Sequence[Inspected],
    comparisons: Sequence[Comparison],
    pictures: Dataset | None,
    others: Dataset | None,
    *,
    quality: int | None = None,
    projections: Sequence[Shown] = (),
    basis: NDArray[np.float32] | None = None,
) -> tuple[dict[str, Any], list[Blob]]:
    """Put a report together.

    Args:
        title: heading.
        made: by which program, from what; a line.
        split: what the examples are called, such as ``test``.
        runs: one or more, of the same examples in the same order.
        comparisons: of the runs.
        pictures: of the examples, in their order, or None.
        others: further pictures, numbered on after the examples.
        quality: WebP quality of the examples' pictures; None keeps every pixel. Others have
            ``NEIGHBOUR_QUALITY``, or this.
        projections: places for all pictures of the page.
        basis: float32 [all, D], principal components in which the page can look for axes of its
            own.

    Returns:
        the document for the page, and its data.
    """
    first = runs[0].predictions
    n = len(first)
    ids, labels = first.ids.tolist(), first.labels
    if others is not None:
        ids, labels = ids + others.ids.tolist(), np.concatenate([labels, others.labels])
    blobs = [text_blob("ids", json.dumps(ids)), array_blob("labels", labels.astype(np.uint16))]
    sheets: list[dict[str, Any]] = []
    if pictures is not None:
        own = make_sheets(pictures.images, name="pictures", quality=quality)
        sheets, blobs = own.document, blobs + own.blobs
        if others is not None:
            further = make_sheets(
                others.images, first=n, name="others", quality=quality or NEIGHBOUR_QUALITY
            )
            sheets, blobs = sheets + further.document, blobs + further.blobs
    for r, run in enumerate(runs):
        blobs += _answers(r, run)
    places = [
        _quantised(f"places-{p}", shown.embedding, np.uint16) for p, shown in enumerate(projections)
    ]
    blobs += [blob for blob, _ in places]
    based = None if basis is None else _quantised("basis", basis, np.uint8)
    if based is not None:
        blobs.append(based[0])
    document = {
        "format": FORMAT,
        "title": title,
        "version": packages().get("dressform", ""),
        "made": made,
        "split": split,
        "classes": list(first.class_names),
        "examples": n,
        "tile": [sheets[0]["width"], sheets[0]["height"]] if sheets else [28, 28],
        "sheets": sheets,
        "runs": [_run(run) for run in runs],
        "comparisons": [_comparison(c) for c in comparisons],
        "projections": [
            {
                "title": p.title,
                "explained": p.explained.tolist(),
                "deep": p.embedding.shape[1] == 3 and not len(p.explained),
                "blob": blob.name,
                "ranges": ranges,
            }
            for p, (blob, ranges) in zip(projections, places, strict=True)
        ],
        "nearest": "Nearest training pictures, in the network's features",
        "projector_note": "",
        "points": [0, n],
        "basis": None if based is None else {"blob": "basis", "ranges": based[1]},
    }
    return document, blobs


def _quantised(
    name: str, values: NDArray[np.float32], kind: type[np.uint8] | type[np.uint16]
) -> tuple[Blob, list[tuple[float, float]]]:
    """Each column in 256 or 65,536 steps, and the ranges that they divide."""
    low, high = values.min(axis=0), values.max(axis=0)
    steps = np.iinfo(kind).max * ((values - low) / np.maximum(high - low, 1e-30))
    return array_blob(name, np.round(steps).astype(kind)), list(
        zip(low.tolist(), high.tolist(), strict=True)
    )


def _answers(r: int, run: Inspected) -> list[Blob]:
    """The arrays of run ``r``."""
    logits, labels = run.predictions.logits.astype(np.float64), run.predictions.labels
    if run.others is not None:
        logits, labels = (
            np.concatenate([logits, run.others.logits]),
            np.concatenate([labels, run.others.labels]),
        )
    probabilities = softmax(logits)
    width = min(SHOWN_CLASSES, probabilities.shape[1])
    # The most likely class must be the predicted one: stable, so that of equals the first comes
    # first.
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :width]
    shares = np.take_along_axis(probabilities, top, axis=1)
    peak = logits.max(axis=1)
    loss = (
        peak
        + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
        - logits[np.arange(len(labels)), labels]
    )
    blobs = [
        array_blob(f"top_class-{r}", top.astype(np.uint16)),
        array_blob(f"top_share-{r}", np.round(shares * 65535).astype(np.uint16)),
        array_blob(f"loss-{r}", np.maximum(loss, 0).astype(np.float32)),
    ]
    judged = [find_label_issues(p) for p in (run.predictions, run.out_of_fold) if p is not None]
    blobs.append(
        array_blob(
            f"suspect-{r}", np.concatenate([issues.suspect for issues in judged]).astype(np.uint8)
        )
    )
    blobs.append(
        array_blob(
            f"suggested-{r}",
            np.concatenate([issues.suggested for issues in judged]).astype(np.uint16),
        )
    )
    if run.learned is not None and not run.learned.all():
        blobs.append(array_blob(f"learned-{r}", run.learned.astype(np.uint8)))
    for metric, (near, distance) in run.near.items():
        blobs.append(array_blob(f"near_{metric}-{r}", near.astype(np.uint32)))
        blobs.append(array_blob(f"distance_{metric}-{r}", distance.round(4).astype(np.float32)))
    if run.saliency is not None:
        step = 255 // LEVELS
        blobs.append(
            array_blob(f"saliency-{r}", (np.round(run.saliency / step) * step).astype(np.uint8))
        )
    return blobs


def _run(run: Inspected) -> dict[str, Any]:
    evaluation = evaluate(run.predictions)
    found = evaluation.to_json()
    missing = list(run.missing)
    calibration = None
    if len(run.predictions) >= MIN_EXAMPLES:
        calibration = _calibration(run.predictions, evaluation.estimates["ece"].value)
    else:
        missing.append(
            f"calibration: {len(run.predictions)} examples are too few to judge it; "
            f"{MIN_EXAMPLES} are "
            f"needed"
        )
    return {
        "name": run.name,
        "examples": len(run.predictions),
        "facts": [list(fact) for fact in run.facts],
        "missing": missing,
        "calibration": calibration,
        "estimates": [
            {
                "title": METRICS[name].title,
                "percent": METRICS[name].percent,
                **(run.estimates or {}).get(name, values),
            }
            for name, values in found["estimates"].items()
        ],
        "per_class": found["per_class"],
        "confusion": found["confusion"],
        "history": list(run.history),
        "history_note": run.history_note,
    }


def _calibration(predictions: Predictions, ece: float) -> dict[str, Any]:
    found = reliability(predictions)
    bins = []
    for i, count in enumerate(found.count.tolist()):
        row = {
            "from": float(found.edges[i]),
            "to": float(found.edges[i + 1]),
            "count": count,
            "share": count / len(predictions),
        }
        if count:
            reach = wilson(round(float(found.accuracy[i]) * count), count)
            row |= {
                "confidence": float(found.confidence[i]),
                "accuracy": reach.value,
                "low": reach.low,
                "high": reach.high,
            }
        bins.append(row)
    sentence = mean_confidence(predictions)[2]
    return {
        "bins": bins,
        "sentence": f"{sentence[0].upper()}{sentence[1:]}. Expected calibration error "
        f"{100 * ece:.2f} %.",
    }


def _comparison(c: Comparison) -> dict[str, Any]:
    document = c.to_json()
    percent = METRICS[c.metric].percent
    value, low, high = (
        f"{100 * v:+.2f}" if percent else f"{v:+.4f}"
        for v in (c.difference.value, c.difference.low, c.difference.high)
    )
    unit = " points of accuracy" if percent else ""
    return {**document, "show": f"{value}{unit} ({low} to {high})"}
