"""Pages, figures and exports of runs. matplotlib is imported inside the calls that draw."""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from dressform.core.errors import ConfigError, DressformError, unknown_name
from dressform.core.files import user_path
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadArguments, check_reading
from dressform.exploration.points import data_of, points_of
from dressform.exploration.tensorboard import write_tensorboard
from dressform.predict.onnx_evaluation import OnnxOptions
from dressform.predict.prediction_sets import kind_of
from dressform.predict.predictor import OOD_THRESHOLD, Predictor
from dressform.predictions import Predictions
from dressform.reporting.classifier import write_classifier
from dressform.reporting.exploration import ProjectionOptions, default_methods, write_exploration
from dressform.reporting.inspection import ReportOptions
from dressform.reporting.output import target_of
from dressform.reporting.report import write_report
from dressform.runs.crossval import CrossvalRun, is_crossval, open_crossval
from dressform.runs.run import Run, open_run

EXPORTS = ("tensorboard", "page")


def report(
    *what: Run | CrossvalRun | Predictions | str | Path,
    out: str | Path | None = None,
    split: str | None = None,
    data: str | Path | None = None,
    recipe: str | None = None,
    scale: str | None = None,
    mean: float | str | Sequence[float] | None = None,
    std: float | str | Sequence[float] | None = None,
    classes: str | Sequence[str] | None = None,
    **reading: Unpack[ReadArguments],
) -> Path:
    """Write one page that shows where models are right and wrong, and why.

    Args:
        what: runs, cross-validations, predictions, or paths of them or of ONNX models; several must
            have predicted the same examples.
        out: the HTML file; default ``report.html`` in the folder of the first.
        split: of runs and models: ``test`` (default, where there is one) or ``validation``; of new
            images default all.
        data: a name or a path: new labelled images, on which runs and ONNX models are evaluated as
            by :func:`evaluate`; or a run's own images, where they have moved; or the images of a
            predictions file.
        recipe: ``file.py:function`` that made the run's network, where a file did; it is executed,
            for saliency.
        scale, mean, std, classes: of ONNX models, as for :func:`evaluate`.
        **reading: how ``data`` are read, as for :func:`load_data`.

    Returns:
        the file.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    check_reading(data, reading)
    onnx = OnnxOptions.of(scale, mean, std, classes)
    given = {"scale": scale, "mean": mean, "std": std, "classes": classes}
    models = [one for one in what if isinstance(one, (str, Path)) and kind_of(one) == "model"]
    for name, value in given.items():
        if value is not None and not models:
            raise ConfigError(
                f"{name} {value} does not apply to runs and predictions, only to ONNX models; "
                f"leave it out"
            )
    if out is None and what and isinstance(what[0], Predictions):
        raise ConfigError("predictions have no folder for the page; give out='report.html'")
    with contextlib.ExitStack() as stack:
        return write_report(
            [_path(one, stack) for one in what],
            ReportOptions(split=split, data=data, reading=reading, recipe_file=recipe, onnx=onnx),
            out=out,
        )


def explore(
    run: Run | str | Path,
    *,
    out: str | Path | None = None,
    split: str | None = None,
    out_of_fold: CrossvalRun | str | Path | None = None,
    embedding: str = "features",
    methods: Sequence[str] | None = None,
    dimensions: Sequence[int] = (2,),
    seed: int = 0,
    data: str | Path | None = None,
    recipe: str | None = None,
) -> Path:
    """Write one page with every image as a point, beside the run's report.

    Args:
        run: finished.
        out: the HTML file; default ``explore.html`` in the run's folder.
        split: ``test`` (default, where there is one), ``validation``, ``train`` or ``all``.
        out_of_fold: a cross-validation that evaluates the labels of training images.
        embedding: ``features`` of the network's penultimate layer, or ``pixels``.
        methods: besides PCA: ``tsne``, ``umap``; default t-SNE, and UMAP where it is installed.
        dimensions: of those: 2, 3 or both.
        seed: of the projections.
        data, recipe: see :func:`report`.

    Returns:
        the file.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    return write_exploration(
        _folder(run),
        ReportOptions(split=split, data=data, recipe_file=recipe),
        ProjectionOptions(
            embedding=embedding,
            methods=default_methods() if methods is None else methods,
            dimensions=dimensions,
            seed=seed,
        ),
        out_of_fold=None if out_of_fold is None else _folder(out_of_fold),
        out=out,
    )


def export(
    run: Run | str | Path,
    target: str | Path,
    *,
    to: str = "tensorboard",
    split: str = "test",
    embedding: str = "features",
    data: str | Path | None = None,
    threshold: float | None = None,
) -> list[Path]:
    """Write a run for another program.

    Args:
        run: finished.
        target: a folder for ``tensorboard``, an HTML file for ``page``.
        to: ``tensorboard``: features, labels and images for its projector; ``page``: a page that
            classifies photos in a browser.
        split: of ``tensorboard``: ``test``, ``validation``, ``train`` or ``all``.
        embedding: of ``tensorboard``: ``features`` or ``pixels``.
        data: of ``tensorboard``: the images, where they have moved.
        threshold: of ``page``: fraction of in-distribution images on which it abstains; default
            0.02.

    Returns:
        the files.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    if to not in EXPORTS:
        raise unknown_name("export format", to, list(EXPORTS))
    opened = run if isinstance(run, Run) else open_run(run)
    if to == "page":
        page = target_of(target, target, "classify.html", option="the target")
        predictor = Predictor(opened, threshold=OOD_THRESHOLD if threshold is None else threshold)
        write_classifier(page, predictor)
        return [page]
    splits = data_of(opened, data)
    return write_tensorboard(points_of(opened, splits, split, embedding), Path(target))


def draw_figures(run: Run | CrossvalRun | str | Path) -> list[Path]:
    """Draw the figures of a run or a cross-validation again; those with images only where a run's
    data can still be read.

    Raises:
        RunError: neither, or not finished.
    """
    from dressform.reporting.figures import draw_figures as draw_run
    from dressform.reporting.figures.crossval import draw_crossval

    path = _folder(run)
    if is_crossval(path):
        return draw_crossval(open_crossval(path))
    opened = open_run(path)
    data: DatasetSplits | None = None
    with contextlib.suppress(DressformError):
        data = data_of(opened)
    return draw_run(opened, data)


def draw_missing(run: Run, data: DatasetSplits) -> list[Path]:
    """The figures of a run, drawn if there are none yet."""
    from dressform.reporting.figures import draw_figures as draw_run
    from dressform.reporting.figures import figure_names

    expected = [run.layout.figures / name for name in figure_names(run)]
    return expected if all(path.exists() for path in expected) else draw_run(run, data)


def _folder(run: Run | CrossvalRun | str | Path) -> Path:
    return run.path if isinstance(run, (Run, CrossvalRun)) else user_path(run)


def _path(
    what: Run | CrossvalRun | Predictions | str | Path, stack: contextlib.ExitStack
) -> str | Path:
    """A path for the page's writer; predictions in memory get a file for as long as it takes."""
    if isinstance(what, Predictions):
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "predictions.npz"
        what.save(path)
        return path
    return what.path if isinstance(what, (Run, CrossvalRun)) else what
