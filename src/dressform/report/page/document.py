"""What a report says: its JSON document and its arrays, computed from predictions and what else is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.data.dataset import Dataset
from dressform.evaluation.calibrate import FEWEST
from dressform.evaluation.calibration import reliability
from dressform.evaluation.comparison import Comparison
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.intervals import wilson
from dressform.evaluation.metrics import METRICS
from dressform.predictions import Predictions
from dressform.report.page.blobs import Blob, array_blob, text_blob
from dressform.report.page.sheets import make_sheets
from dressform.runs.manifest import packages

FORMAT = 1
SHOWN_CLASSES = 10
"""Probabilities kept of each example: those of its most likely classes."""
NEIGHBOUR_QUALITY = 25
"""WebP quality of pictures that appear as neighbours only; 28 x 28 grey ones take about 120 bytes each."""
LEVELS = 15
"""Steps of a saliency map, which so packs to a third."""


@dataclass(frozen=True, eq=False)
class Inspected:
    """One run as a report shows it.

    Attributes:
        name: for people.
        predictions: of the examples that all runs of the report share, in one order.
        facts: name and value, such as ("recipe", "fast").
        history: the rows of results.csv, or none.
        history_note: what the losses are.
        suspect: bool [N], labels that may be wrong; None where that is not known.
        near: int64 [N, k], positions in the reference of the nearest ones; None where that is not known.
        distance: float32 [N, k], 1 - cosine.
        saliency: uint8 [N, h, w]; None where that is not known.
        missing: a line for each thing that could not be made.
    """

    name: str
    predictions: Predictions
    facts: Sequence[tuple[str, str]] = ()
    history: Sequence[dict[str, Any]] = ()
    history_note: str = ""
    suspect: NDArray[np.bool_] | None = None
    near: NDArray[np.int64] | None = None
    distance: NDArray[np.float32] | None = None
    saliency: NDArray[np.uint8] | None = None
    missing: list[str] = field(default_factory=list)


def report_document(
    title: str,
    made: str,
    split: str,
    runs: Sequence[Inspected],
    comparisons: Sequence[Comparison],
    pictures: Dataset | None,
    reference: Dataset | None,
) -> tuple[dict[str, Any], list[Blob]]:
    """Put a report together.

    Args:
        title: heading.
        made: by which program, from what; a line.
        split: what the examples are called, such as ``test``.
        runs: one or more, of the same examples in the same order.
        comparisons: of the runs.
        pictures: of the examples, in their order, or None.
        reference: what the neighbours are positions of, or None.

    Returns:
        the document for the page, and its data.
    """
    first = runs[0].predictions
    n = len(first)
    used = [run.near for run in runs if run.near is not None] if pictures is not None and reference is not None else []
    shown = np.unique(np.concatenate([near.ravel() for near in used])) if used else np.empty(0, np.int64)
    ids, labels = first.ids.tolist(), first.labels
    if reference is not None and len(shown):
        ids, labels = ids + reference.ids[shown].tolist(), np.concatenate([labels, reference.labels[shown]])
    blobs = [text_blob("ids", "\n".join(ids)), array_blob("labels", labels.astype(np.uint16))]
    sheets: list[dict[str, Any]] = []
    if pictures is not None:
        own = make_sheets(pictures.images, name="pictures")
        sheets, blobs = own.document, blobs + own.blobs
        if reference is not None and len(shown):
            others = make_sheets(reference.images[shown], first=n, name="neighbours", quality=NEIGHBOUR_QUALITY)
            sheets, blobs = sheets + others.document, blobs + others.blobs
    for r, run in enumerate(runs):
        blobs += _answers(r, run, n, shown)
    document = {
        "format": FORMAT, "title": title, "version": packages().get("dressform", ""), "made": made, "split": split,
        "classes": list(first.class_names), "examples": n,
        "tile": [sheets[0]["width"], sheets[0]["height"]] if sheets else [28, 28], "sheets": sheets,
        "runs": [_run(run) for run in runs], "comparisons": [_comparison(c) for c in comparisons],
    }  # fmt: skip
    return document, blobs


def _answers(r: int, run: Inspected, n: int, shown: NDArray[np.int64]) -> list[Blob]:
    """The arrays of run ``r``; positions of neighbours become numbers of pictures on the page."""
    probabilities, labels = run.predictions.probabilities, run.predictions.labels
    width = min(SHOWN_CLASSES, probabilities.shape[1])
    # The most likely class must be the predicted one: stable, so that of equals the first comes first.
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :width]
    shares = np.take_along_axis(probabilities, top, axis=1)
    logits = run.predictions.logits.astype(np.float64)
    peak = logits.max(axis=1)
    loss = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1)) - logits[np.arange(n), labels]
    blobs = [
        array_blob(f"top_class-{r}", top.astype(np.uint16)),
        array_blob(f"top_share-{r}", np.round(shares * 65535).astype(np.uint16)),
        array_blob(f"loss-{r}", np.maximum(loss, 0).astype(np.float32)),
    ]
    if run.suspect is not None:
        blobs.append(array_blob(f"suspect-{r}", run.suspect.astype(np.uint8)))
    if run.near is not None and run.distance is not None and len(shown):
        blobs.append(array_blob(f"near-{r}", (n + np.searchsorted(shown, run.near)).astype(np.uint32)))
        blobs.append(array_blob(f"distance-{r}", run.distance.round(4).astype(np.float32)))
    if run.saliency is not None:
        step = 255 // LEVELS
        blobs.append(array_blob(f"saliency-{r}", (np.round(run.saliency / step) * step).astype(np.uint8)))
    return blobs


def _run(run: Inspected) -> dict[str, Any]:
    evaluation = evaluate(run.predictions)
    found = evaluation.to_json()
    missing = list(run.missing)
    calibration = None
    if len(run.predictions) >= FEWEST:
        calibration = _calibration(run.predictions, evaluation.estimates["ece"].value)
    else:
        missing.append(f"calibration: {len(run.predictions)} examples are too few to judge it; {FEWEST} are needed")
    return {
        "name": run.name, "facts": [list(fact) for fact in run.facts], "missing": missing, "calibration": calibration,
        "estimates": [
            {"title": METRICS[name].title, "percent": METRICS[name].percent, **values}
            for name, values in found["estimates"].items()
        ],
        "per_class": found["per_class"], "confusion": found["confusion"], "history": list(run.history),
        "history_note": run.history_note,
    }  # fmt: skip


def _calibration(predictions: Predictions, ece: float) -> dict[str, Any]:
    found = reliability(predictions)
    bins = []
    for i, count in enumerate(found.count.tolist()):
        row = {"from": float(found.edges[i]), "to": float(found.edges[i + 1]), "count": count, "share": count / len(predictions)}
        if count:
            reach = wilson(round(float(found.accuracy[i]) * count), count)
            row |= {"confidence": float(found.confidence[i]), "accuracy": reach.value, "low": reach.low, "high": reach.high}
        bins.append(row)
    sure, right = float(predictions.probabilities.max(axis=1).mean()), float((predictions.predicted == predictions.labels).mean())
    word = "too sure" if sure > right else "too modest"
    sentence = (
        f"On average it gives its answers {100 * sure:.1f} % and is right in {100 * right:.1f} %, so it is {word} by"
        f" {100 * abs(sure - right):.1f} points; expected calibration error {100 * ece:.2f} %."
    )
    return {"bins": bins, "sentence": sentence}


def _comparison(c: Comparison) -> dict[str, Any]:
    document = c.to_json()
    percent = METRICS[c.metric].percent
    value, low, high = (
        f"{100 * v:+.2f}" if percent else f"{v:+.4f}" for v in (c.difference.value, c.difference.low, c.difference.high)
    )
    unit = " points of accuracy" if percent else ""
    return {**document, "show": f"{value}{unit} ({low} to {high})"}
