"""`write_exploration`: a run's report with every example as a point."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dressform.core.errors import ConfigError
from dressform.data.source import load_data
from dressform.evaluation.align import align
from dressform.explore.embedding import METHODS, check_methods, embed
from dressform.explore.out_of_sample import OutOfSample, load_out_of_sample
from dressform.explore.points import data_of, points_of
from dressform.explore.projection import Projection
from dressform.predict.prediction_sets import split_of
from dressform.predictions import Predictions
from dressform.predictions.examples import canonical_split
from dressform.report.page.document import Shown, report_document
from dressform.report.report import inspect_run, target_of, write
from dressform.runs.manifest import timestamp
from dressform.runs.run import open_run

QUALITY = 60
"""WebP quality of the pictures where there are many; 28 x 28 grey ones take about 165 bytes
each.
"""
MANY = 20_000
TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def write_exploration(
    path: str | Path,
    *,
    split: str | None = None,
    out: str | Path | None = None,
    data: str | Path | None = None,
    image_size: int | None = None,
    out_of_fold: str | Path | None = None,
    embedding: str = "features",
    methods: Sequence[str] = METHODS,
    dimensions: Sequence[int] = (2,),
    seed: int = 0,
    recipe_file: str | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Path:
    """Write one page with the report of a run and a projector of its examples.

    Args:
        path: the folder of a finished run.
        split: which examples are points: ``test``, ``validation``, ``train``, or ``all`` (training
            and test pictures); default: test, or validation where there is no test.
        out: the HTML file; default ``explore.html`` in the run's folder.
        data: the pictures, where they are elsewhere now: a name or a path.
        image_size: side in pixels for folders of pictures of several sizes.
        out_of_fold: a cross-validation, or a predictions file by models that did not learn from the
            training pictures: judges their labels. The run itself has learned them.
        embedding: ``features`` of the network's penultimate layer, or ``pixels``.
        methods: besides PCA: ``tsne``, ``umap``.
        dimensions: of those: 2, 3 or both.
        seed: of the projections.
        recipe_file: ``file.py:function`` that made the run's network, where a file did; it is run,
            for saliency.
        say: called with each line that a user should know.

    Returns:
        the file.

    Raises:
        DressformError: not a run, data that are not there any more, or nothing that can be
            projected.
    """
    check_methods(methods, dimensions, seed)
    if out_of_fold is not None and split not in ("train", "all"):
        raise ConfigError(
            f"out-of-fold predictions judge training pictures, and the split is "
            f"{split or 'test'}; give train or all"
        )
    run = open_run(path)
    split = canonical_split(split or split_of(run, None))
    target = target_of(out, run.path, "explore.html")
    splits = data_of(run) if data is None else load_data(data, image_size=image_size)
    points = points_of(run, splits, split, embedding, say=say)
    judge = None
    if out_of_fold is not None and points.training_predictions is not None:
        judge = _in_order(points.training_predictions, load_out_of_sample(out_of_fold, say))
    first, last = points.first, len(points.values)
    places = embed(
        points.values[first:],
        run.layout.explored,
        methods=methods,
        dimensions=dimensions,
        seed=seed,
        say=say,
    )
    near = {
        metric: (found.indices.astype(np.int64) + first, found.distances)
        for metric, found in places.neighbours.items()
    }
    inspected, name, pictures, _ = inspect_run(
        run, points.split, splits, say, neighbours=False, recipe_file=recipe_file
    )
    inspected = replace(
        inspected,
        near=near,
        others=points.training_predictions,
        learned=points.trained_on,
        out_of_fold=judge,
    )
    document, blobs = report_document(
        run.name,
        f"{timestamp()}: {last - first:,} pictures as points",
        name,
        [inspected],
        [],
        pictures,
        points.training,
        quality=QUALITY if last > MANY else None,
        projections=[titled(p) for p in places.projections],
        basis=places.components,
    )
    source = "the network's penultimate features" if embedding == "features" else "the pixels"
    document |= {
        "points": [first, last],
        "nearest": f"Nearest of the points, by {source}",
        "projector_note": f"{last - first:,} pictures by {source}; neighbours and projections "
        f"were computed in all"
        f" {points.values.shape[1]} dimensions, seed {seed}.",
    }
    write(target, document, blobs)
    return target


def _in_order(others: Predictions, judge: OutOfSample) -> Predictions:
    """The judge's predictions of these examples, in their order."""
    found = judge.predictions
    own = np.flatnonzero(np.isin(found.ids, others.ids))
    return align(
        others,
        found.take(own) if 0 < len(own) < len(found) else found,
        ("the training pictures", judge.name),
    )[1]


def default_methods() -> list[str]:
    """t-SNE, and UMAP where it is installed."""
    return [method for method in METHODS if method != "umap" or find_spec("umap") is not None]


def titled(projection: Projection) -> Shown:
    """A projection with a title."""
    deep = projection.name != "pca" and projection.embedding.shape[1] == 3
    return Shown(
        TITLES[projection.name] + (" in 3-D" if deep else ""),
        projection.embedding,
        projection.explained,
    )
