"""`write_exploration`: a run's report with a projector, in which every example is a point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dressform.core.errors import ConfigError
from dressform.evaluation.align import align
from dressform.exploration.embedding import METHODS, check_enough, check_methods, embed
from dressform.exploration.out_of_sample import OutOfSample, load_out_of_sample
from dressform.exploration.points import data_of, points_of
from dressform.exploration.projection import MAX_SCORED, Projection
from dressform.predict.prediction_sets import split_of
from dressform.predictions import Predictions
from dressform.predictions.examples import canonical_split
from dressform.reporting.inspection import ReportOptions, inspect_run
from dressform.reporting.output import target_of, write_checked
from dressform.reporting.page.document import (
    PageProjection,
    PageProjector,
    Report,
    report_document,
)
from dressform.runs.manifest import timestamp
from dressform.runs.run import open_run

QUALITY = 60
"""WebP quality where there are more than ``MAX_LOSSLESS`` images; grey ones of 28 x 28 pixels take
about 165 bytes each.
"""
MAX_LOSSLESS = 20_000
TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


@dataclass(frozen=True, kw_only=True)
class ProjectionOptions:
    """How points are projected.

    Attributes:
        embedding: ``features`` of the network's penultimate layer, or ``pixels``.
        methods: of ``pca``, ``tsne`` and ``umap``.
        dimensions: of t-SNE and UMAP: 2, 3 or both.
        seed: of the projections.
    """

    embedding: str = "features"
    methods: Sequence[str] = METHODS
    dimensions: Sequence[int] = (2,)
    seed: int = 0


def write_exploration(
    path: str | Path,
    options: ReportOptions | None = None,
    projection: ProjectionOptions | None = None,
    *,
    out_of_fold: str | Path | None = None,
    out: str | Path | None = None,
) -> Path:
    """Write one page with the report of a run and a projector of its examples.

    Args:
        path: the folder of a finished run.
        options: split, data and more; the split may be ``train``, or ``all`` for training and test
            images.
        projection: how the points are projected.
        out_of_fold: a cross-validation, or a predictions file by models that were not trained on
            the training images, to assess their labels; the run itself has learned them.
        out: the HTML file; default: ``explore.html`` in the run's folder.

    Returns:
        the file.

    Raises:
        DressformError: not a run, data that have gone, or nothing that can be projected.
    """
    options, projection = options or ReportOptions(), projection or ProjectionOptions()
    methods, dimensions, seed = projection.methods, projection.dimensions, projection.seed
    check_methods(methods, dimensions, seed)
    if out_of_fold is not None and options.split not in ("train", "all"):
        raise ConfigError(
            f"out-of-fold predictions assess the labels of training images, but the split is "
            f"{options.split or 'test'}; give train or all"
        )
    run = open_run(path)
    split = canonical_split(options.split or split_of(run, None))
    target = target_of(out, run.path, "explore.html")
    counts = run.manifest.dataset.examples
    if split in counts:  # before the data are read
        held_out = counts.get("validation", 0) if split == "train" else 0
        check_enough(counts[split] + held_out)
    data = data_of(run, options.data)
    points = points_of(run, data, split, projection.embedding)
    first, last = points.first, len(points.values)
    embeddings = embed(
        points.values[first:],
        run.layout.explored,
        methods=methods,
        dimensions=dimensions,
        seed=seed,
    )
    inspection = inspect_run(run, replace(options, split=points.split), data, neighbours=False)
    training, assessment = points.training_predictions, None
    if out_of_fold is not None and training is not None:
        assessment = _in_order(training, load_out_of_sample(out_of_fold))
    model = replace(
        inspection.model,
        neighbours={
            metric: (nearest.indices.astype(np.int64) + first, nearest.distances)
            for metric, nearest in embeddings.neighbours.items()
        },
        training=training,
        trained_on=points.trained_on,
        out_of_fold=assessment,
    )
    scored = f"{MAX_SCORED:,} of them" if last - first > MAX_SCORED else "all"
    features = projection.embedding == "features"
    source = "the network's penultimate features" if features else "their pixels"
    projector = PageProjector(
        projections=[
            titled(one, recall)
            for one, recall in zip(embeddings.projections, embeddings.knn_recall, strict=True)
        ],
        basis=embeddings.components,
        first=first,
        neighbours_title=f"Nearest points by {source}",
        note=f"{last - first:,} images, placed by {source}. Neighbours and projections were "
        f"computed in all {points.values.shape[1]:,} dimensions (seed {seed}). kNN recall is the "
        f"fraction of an image's ten nearest neighbours that are among its ten nearest on the "
        f"plane too, mean over {scored}; the projection with the highest one is shown first.",
    )
    report = Report(
        title=run.name,
        made=f"{timestamp()}: {last - first:,} images as points",
        split=inspection.split,
        models=[model],
        images=inspection.images,
        training_images=points.training,
        quality=QUALITY if last > MAX_LOSSLESS else None,
        projector=projector,
    )
    write_checked(target, *report_document(report))
    return target


def _in_order(training: Predictions, judge: OutOfSample) -> Predictions:
    """A judge's predictions of the training images, in their order.

    Raises:
        DataError: it has none of some.
    """
    predictions = judge.predictions
    common = np.flatnonzero(np.isin(predictions.ids, training.ids))
    if 0 < len(common) < len(predictions):
        predictions = predictions.take(common)
    return align(training, predictions, ("the training images", judge.name))[1]


def default_methods() -> list[str]:
    """PCA, t-SNE, and UMAP where it is installed."""
    return [method for method in METHODS if method != "umap" or find_spec("umap") is not None]


def titled(projection: Projection, recall: float) -> PageProjection:
    """A projection with a title and its kNN recall."""
    three = projection.name != "pca" and projection.embedding.shape[1] == 3
    return PageProjection(
        name=projection.name + ("-3d" if three else ""),
        title=TITLES[projection.name] + (" (3D)" if three else ""),
        coordinates=projection.embedding,
        explained_variance_ratio=projection.explained,
        knn_recall=recall,
    )
