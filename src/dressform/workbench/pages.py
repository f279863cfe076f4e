"""Pages, figures and exports of runs. matplotlib is imported inside the calls that draw."""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np

from dressform.core.arguments import argument
from dressform.core.errors import ConfigError, DressformError, unknown_name
from dressform.core.files import make_folder, user_path
from dressform.core.links import LinkedPath
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadArguments, check_reading
from dressform.data.source import DataSource
from dressform.exploration.points import data_of, points_of
from dressform.exploration.tensorboard import write_tensorboard
from dressform.predict.bundle import write_onnx
from dressform.predict.model_folder import find_model
from dressform.predict.onnx_evaluation import OnnxOptions
from dressform.predict.prediction_sets import kind_of, split_of
from dressform.predict.predictor import OOD_THRESHOLD, Predictor
from dressform.predictions import Predictions
from dressform.reporting.classifier import write_classifier
from dressform.reporting.exploration import ProjectionOptions, default_methods, write_exploration
from dressform.reporting.inspection import ReportOptions
from dressform.reporting.output import check_folder, check_target, target_of
from dressform.reporting.report import write_report
from dressform.runs.crossval import CrossvalRun, is_crossval, open_crossval
from dressform.runs.layout import Layout
from dressform.runs.run import Run, open_run
from dressform.workbench.opening import folder_of, open_one_run, several

EXPORTS: dict[str, tuple[str, ...]] = {
    "tensorboard": ("split", "embedding", "data"),
    "page": ("threshold",),
    "onnx": (),
    "keras": ("recipe",),
}
"""Form of an export -> the options that change something."""
MODEL_EXPORTS = ("page", "onnx")
"""Those that need a model, and not what it was trained on."""
KINDS = {"run": "runs", "model": "ONNX models"}
Reportable = Run | CrossvalRun | Predictions | str | Path
"""What a report is about; a path is that of a run, a cross-validation, a predictions file or an
ONNX model.
"""


def report(
    *what: Reportable | Sequence[Reportable],
    out: str | Path | None = None,
    split: str | None = None,
    data: DataSource | None = None,
    recipe: str | None = None,
    scale: str | None = None,
    mean: float | str | Sequence[float] | None = None,
    std: float | str | Sequence[float] | None = None,
    classes: str | Sequence[str] | None = None,
    **reading: Unpack[ReadArguments],
) -> Path:
    """Write one page that shows where models are right and wrong, and why.

    Args:
        what: runs, cross-validations, predictions, or paths of them or of ONNX models, one by one
            or in a list; several must have predicted the same examples.
        out: the HTML file; default ``report.html`` in the folder of the first, or
            ``report-NAME.html`` for images that are not the run's own.
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
    things: list[Reportable] = several(what)
    kinds, given = {_kind(one) for one in things}, {"split": split, "recipe": recipe}
    for name, value in {
        **given,
        "scale": scale,
        "mean": mean,
        "std": std,
        "classes": classes,
    }.items():
        useful = {"split": {"run", "model"}, "recipe": {"run"}}.get(name, {"model"})
        if value is not None and things and not kinds & useful:
            allowed = " and ".join(KINDS[kind] for kind in KINDS if kind in useful)
            raise ConfigError(
                f"{argument(name, value)} does not apply here, only to {allowed}; leave it out"
            )
    if out is None and things and isinstance(things[0], Predictions):
        raise ConfigError("predictions have no folder for the page; give out='report.html'")
    if things:  # before the work, not after it
        first = things[0]
        target_of(out, "." if isinstance(first, Predictions) else folder_of(first), "report.html")
    with contextlib.ExitStack() as stack:
        return LinkedPath(
            write_report(
                [_path(one, stack) for one in things],
                ReportOptions(
                    split=split, data=data, reading=reading, recipe_file=recipe, onnx=onnx
                ),
                out=out,
            )
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
    data: DataSource | None = None,
    recipe: str | None = None,
) -> Path:
    """Write one page with every image as a point, beside the run's report.

    Args:
        run: finished.
        out: the HTML file; default ``explore.html`` in the run's folder.
        split: ``test`` (default, where there is one), ``validation``, ``train`` or ``all``.
        out_of_fold: a cross-validation that evaluates the labels of training images.
        embedding: ``features`` of the network's penultimate layer, or ``pixels``.
        methods: of ``pca``, ``tsne`` and ``umap``; default PCA, t-SNE, and UMAP where it is
            installed. The page opens on the one that keeps most neighbours.
        dimensions: of t-SNE and UMAP: 2, 3 or both.
        seed: of the projections.
        data, recipe: see :func:`report`.

    Returns:
        the file.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    return LinkedPath(
        write_exploration(
            folder_of(run),
            ReportOptions(split=split, data=data, recipe_file=recipe),
            ProjectionOptions(
                embedding=embedding,
                methods=default_methods() if methods is None else methods,
                dimensions=dimensions,
                seed=seed,
            ),
            out_of_fold=None if out_of_fold is None else folder_of(out_of_fold),
            out=out,
        )
    )


def export(
    run: Run | str | Path,
    target: str | Path | None = None,
    *,
    to: str = "tensorboard",
    split: str | None = None,
    embedding: str | None = None,
    data: DataSource | None = None,
    threshold: float | None = None,
    recipe: str | None = None,
) -> list[Path]:
    """Write a run for another program.

    Args:
        run: finished; for ``page`` and ``onnx`` also a folder with ``model.onnx`` and
            ``model.json``, or ``shipped``, the model that comes with dressform.
        target: a folder for ``tensorboard`` and ``onnx``, a file for ``page`` (HTML) and
            ``keras``; default ``tensorboard``, ``onnx``, ``classify.html`` or ``model.keras`` in
            the run's folder.
        to: ``tensorboard``: features, labels and images for its projector; ``page``: a page that
            classifies photos in a browser; ``onnx``: the model for ONNX Runtime with its
            ``model.json`` and model card (``README.md``); ``keras``: a ``.keras`` file, which
            Keras 3 opens.
        split: of ``tensorboard``: ``test`` (default, where there is one), ``validation``, ``train``
            or ``all``.
        embedding: of ``tensorboard``: ``features`` (default) or ``pixels``.
        data: of ``tensorboard``: the images, where they have moved.
        threshold: of ``page``: fraction of in-distribution images on which it abstains; default
            0.02.
        recipe: of ``keras``: ``file.py:function`` that made the run's network, if a file of yours
            did; it is executed.

    Returns:
        the files.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    if to not in EXPORTS:
        raise unknown_name("export format", to, list(EXPORTS))
    options = {
        "split": split,
        "embedding": embedding,
        "data": data,
        "threshold": threshold,
        "recipe": recipe,
    }
    for name, value in options.items():
        if value is not None and name not in EXPORTS[to]:
            raise ConfigError(f"{argument(name, value)} does not apply to {to}; leave it out")
    model = _exported_model(run, to)
    if target is None:
        if isinstance(model, Path):
            raise ConfigError(
                f"{model} is no run, so it has no folder for what is exported; say where with "
                f"target={Layout(Path()).exported(to).name!r}"
            )
        target = model.layout.exported(to)
    if to == "page":
        page = target_of(target, target, "classify.html", argument="target")
        predictor = Predictor(model, threshold=OOD_THRESHOLD if threshold is None else threshold)
        write_classifier(page, predictor)
        return [page]
    if to == "keras":
        return [_write_keras(open_one_run(model), target, recipe)]
    folder = user_path(target)
    check_folder(folder, "target=")
    if to == "onnx":
        return write_onnx(model, folder)
    opened = open_one_run(model)
    splits = data_of(opened, data)
    chosen = split or split_of(opened, None)
    return write_tensorboard(points_of(opened, splits, chosen, embedding or "features"), folder)


def draw_figures(run: Run | CrossvalRun | str | Path) -> list[Path]:
    """Draw the figures of a run or a cross-validation again; those with images only where a run's
    data can still be read.

    Raises:
        RunError: neither, or not finished.
    """
    from dressform.reporting.figures import draw_figures as draw_run
    from dressform.reporting.figures.crossval import draw_crossval

    path = user_path(folder_of(run))
    check_folder(Layout(path).figures, "the folder of the run")
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


def _exported_model(what: Run | str | Path, to: str) -> Run | Path:
    """A run, opened; or the folder of a model, where no more than that is needed."""
    if isinstance(what, (str, Path)):
        found, _ = find_model(what)
        if isinstance(found, Path) and (found / "model.onnx").is_file():
            if to in MODEL_EXPORTS:
                return found
            raise ConfigError(
                f"{what} is an ONNX model and no run, which to={to!r} needs; give a run, or one of "
                f"to='onnx' and to='page'"
            )
    return open_one_run(what)


def _write_keras(run: Run, target: str | Path, recipe: str | None) -> Path:
    """Write a run's network as a ``.keras`` file; the file."""
    from dressform.exploration.saliency import check_same, load_network  # torch takes a second
    from dressform.predict.keras_networks import keras_graph_of

    path = user_path(target)
    check_target(path, suffix=".keras", argument="target")
    predictor, network = Predictor(run), load_network(run, recipe)
    images = np.random.default_rng(0).integers(0, 256, (16, *predictor.shape), np.uint8)
    check_same(network, images, predictor.logits(images), run)
    graph = keras_graph_of(network, predictor.shape, temperature=predictor.temperature)
    make_folder(path.parent)
    graph.save(path, run.manifest.recipe, run.manifest.finished or "")
    return path


def _kind(what: Reportable) -> str:
    if isinstance(what, Predictions):
        return "predictions"
    path = folder_of(what)
    return "crossval" if is_crossval(path) else kind_of(path)


def _path(what: Reportable, stack: contextlib.ExitStack) -> str | Path:
    """A path for the page's writer; predictions in memory get a file for as long as it takes."""
    if isinstance(what, Predictions):
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "predictions.npz"
        what.save(path)
        return path
    if not isinstance(what, (Run, CrossvalRun, str, Path)):
        raise ConfigError(
            f"{type(what).__name__} has no report; allowed: runs, cross-validations, predictions, "
            f"and paths of them"
        )
    return folder_of(what)
