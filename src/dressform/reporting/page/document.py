"""The document and the arrays of a report, computed from predictions and what else is known."""

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.data.dataset import Dataset
from dressform.evaluation.comparison import Comparison
from dressform.evaluation.metrics import METRICS
from dressform.exploration.label_issues import find_label_issues
from dressform.predictions import softmax
from dressform.reporting.page.blobs import Blob, array_blob, text_blob
from dressform.reporting.page.citation import citation
from dressform.reporting.page.models import ModelReport, model_document
from dressform.reporting.page.photos import photo_blobs
from dressform.reporting.page.schema import (
    ProjectionDocument,
    QuantisedDocument,
    ReportDocument,
    tile_of,
)
from dressform.reporting.page.sheets import Sheets, make_sheets
from dressform.runs.manifest import packages, timestamp

FORMAT = 3
MAX_CLASSES = 10
"""Probabilities that are kept of each example: those of its most likely classes."""
NEIGHBOUR_QUALITY = 25
"""WebP quality of images that appear as neighbours only; grey ones of 28 x 28 pixels take about 120
bytes each.
"""
SALIENCY_LEVELS = 15
"""Levels of a saliency map; so few make its file a third as large."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PageProjection:
    """A projection of the page's images.

    Attributes:
        name: unique on the page, for links: ``pca``, ``tsne``, ``tsne-3d``.
        title: for people.
        coordinates: float32 [all, D].
        explained_variance_ratio: float64 [D] of principal components, between which the page lets
            one choose; else empty.
        knn_recall: fraction of neighbours that it keeps, 0..1.
    """

    name: str
    title: str
    coordinates: NDArray[np.float32]
    explained_variance_ratio: NDArray[np.float64]
    knn_recall: float

    @property
    def three_dimensional(self) -> bool:
        """Whether the page shows it in three dimensions from the start."""
        return self.coordinates.shape[1] == 3 and not len(self.explained_variance_ratio)


@dataclass(frozen=True, eq=False, kw_only=True)
class PageProjector:
    """The projector of a page.

    Attributes:
        projections: of all points; the page opens on the first.
        basis: float32 [all, D], principal components for custom axes.
        first: number of the first image that is a point.
        neighbours_title: heading of an image's neighbours.
        note: how the projections were made.
    """

    projections: Sequence[PageProjection]
    basis: NDArray[np.float32]
    first: int
    neighbours_title: str
    note: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """The content of a page.

    Attributes:
        title: heading.
        made: when, and of what; a line.
        split: name of the examples, such as ``test``.
        models: one or more, of the same examples in the same order.
        comparisons: of the models.
        images: of the examples, in their order, or None.
        training_images: further images, numbered on after the examples, or None.
        quality: WebP quality of the examples' images; None keeps every pixel. Training images have
            ``NEIGHBOUR_QUALITY``, or this.
        projector: or None.
    """

    title: str
    made: str
    split: str
    models: Sequence[ModelReport]
    comparisons: Sequence[Comparison] = ()
    images: Dataset | None = None
    training_images: Dataset | None = None
    quality: int | None = None
    projector: PageProjector | None = None


def report_document(report: Report) -> tuple[ReportDocument, list[Blob]]:
    """The document for the page, and its data."""
    predictions, projector = report.models[0].predictions, report.projector
    ids, labels = predictions.ids.tolist(), predictions.labels
    if report.training_images is not None:
        ids += report.training_images.ids.tolist()
        labels = np.concatenate([labels, report.training_images.labels])
    with ThreadPoolExecutor(2) as pool:  # Pillow encodes beside Python's lock
        packing = _sheets(report, pool)
        runs = [model_document(model, report.split) for model in report.models]
        packed = [one.result() for one in packing]
    sheets = [document for one in packed for document in one.documents]
    blobs = [text_blob("ids", json.dumps(ids)), array_blob("labels", labels.astype(np.uint16))]
    blobs += [blob for one in packed for blob in one.blobs]
    if report.images is not None:
        blobs += photo_blobs(report.images.images, [model.predictions for model in report.models])
    for number, model in enumerate(report.models):
        blobs += _prediction_blobs(number, model)
    version = packages().get("dressform", "")
    document: ReportDocument = {
        "format": FORMAT,
        "title": report.title,
        "version": version,
        "made": report.made,
        "split": report.split,
        "classes": list(predictions.class_names),
        "examples": len(predictions),
        "tile": tile_of(sheets),
        "sheets": sheets,
        "runs": runs,
        "citation": citation(
            len(predictions),
            report.split,
            report.models,
            version,
            timestamp()[:10],
        ),
        "comparisons": [_comparison_document(c) for c in report.comparisons],
        "projections": [],
        "basis": None,
        "points": [0, len(predictions)],
        "neighbours_title": "Nearest training images by the network's features",
        "projector_note": "",
    }
    if projector is not None:
        for number, projection in enumerate(projector.projections):
            coordinates, blob = _quantised(
                f"projection-{number}", projection.coordinates, np.uint16
            )
            document["projections"].append(_projection_document(projection, coordinates))
            blobs.append(blob)
        document["basis"], blob = _quantised("basis", projector.basis, np.uint8)
        blobs.append(blob)
        document["points"] = [projector.first, len(ids)]
        document["neighbours_title"] = projector.neighbours_title
        document["projector_note"] = projector.note
    return document, blobs


def _sheets(report: Report, pool: ThreadPoolExecutor) -> list[Future[Sheets]]:
    """The images of the examples and the training images, packed by other threads."""
    images, training = report.images, report.training_images
    if images is None:
        return []
    packing = [pool.submit(make_sheets, images.images, name="images", quality=report.quality)]
    if training is not None:
        others = partial(make_sheets, training.images, first=len(images), name="training")
        packing.append(pool.submit(others, quality=report.quality or NEIGHBOUR_QUALITY))
    return packing


def _quantised(
    name: str, values: NDArray[np.float32], dtype: type[np.uint8] | type[np.uint16]
) -> tuple[QuantisedDocument, Blob]:
    """Each column of values [N, D] in 256 or 65,536 steps."""
    low, high = values.min(axis=0), values.max(axis=0)
    steps = np.iinfo(dtype).max * ((values - low) / np.maximum(high - low, 1e-30))
    ranges = list(zip(low.tolist(), high.tolist(), strict=True))
    return {"blob": name, "ranges": ranges}, array_blob(name, np.round(steps).astype(dtype))


def _projection_document(
    projection: PageProjection, coordinates: QuantisedDocument
) -> ProjectionDocument:
    return {
        **coordinates,
        "name": projection.name,
        "title": projection.title,
        "knn_recall": projection.knn_recall,
        "explained_variance_ratio": projection.explained_variance_ratio.tolist(),
        "three_dimensional": projection.three_dimensional,
    }


def _prediction_blobs(number: int, model: ModelReport) -> list[Blob]:
    """The arrays of a model, with a row per image of the page."""
    logits, labels = model.predictions.scaled_logits, model.predictions.labels
    if model.training is not None:
        logits = np.concatenate([logits, model.training.scaled_logits])
        labels = np.concatenate([labels, model.training.labels])
    probabilities = softmax(logits)
    # Stable, so that of equally likely classes the first is the predicted one, as everywhere.
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :MAX_CLASSES]
    top_probabilities = np.take_along_axis(probabilities, top, axis=1)
    assessed = [p for p in (model.predictions, model.out_of_fold) if p is not None]
    issues = [find_label_issues(predictions) for predictions in assessed]
    arrays: dict[str, NDArray[Any]] = {
        "top_class": top.astype(np.uint16),
        "top_probability": np.round(top_probabilities * 65535).astype(np.uint16),
        "loss": _losses(logits, labels).astype(np.float32),
        "label_issue": np.concatenate([i.suspect for i in issues]).astype(np.uint8),
        "suggested_label": np.concatenate([i.suggested for i in issues]).astype(np.uint16),
    }
    if model.trained_on is not None and not model.trained_on.all():
        arrays["trained_on"] = model.trained_on.astype(np.uint8)
    for metric, (indices, distances) in model.neighbours.items():
        arrays[f"neighbours_{metric}"] = indices.astype(np.uint32)
        arrays[f"distances_{metric}"] = distances.round(4).astype(np.float32)
    if model.saliency is not None:
        step = 255 // SALIENCY_LEVELS
        arrays["saliency"] = (np.round(model.saliency / step) * step).astype(np.uint8)
    return [array_blob(f"{name}-{number}", array) for name, array in arrays.items()]


def _losses(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cross-entropy of each row in nats, [N]."""
    peak = logits.max(axis=1)
    log_total = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
    losses: NDArray[np.float64] = log_total - logits[np.arange(len(labels)), labels]
    return np.maximum(losses, 0)


def _comparison_document(comparison: Comparison) -> dict[str, Any]:
    metric, difference = METRICS[comparison.metric], comparison.difference
    value, low, high = map(metric.difference, (difference.value, difference.low, difference.high))
    unit = f" points of {metric.title}" if metric.percent else ""
    return {**comparison.to_json(), "difference_text": f"{value}{unit} ({low} to {high})"}
