"""Evaluate, compare and calibrate anything that predicts: runs, cross-validations, predictions,
models.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Unpack

from dressform.core.arguments import argument
from dressform.core.errors import ConfigError
from dressform.data.read_options import ReadArguments, ReadOptions, check_reading
from dressform.data.source import DataSource
from dressform.evaluation.calibrate import Calibration
from dressform.evaluation.calibrate import calibrate as calibrate_predictions
from dressform.evaluation.compare import PredictionSet, check_rope
from dressform.evaluation.compare import compare as compare_sets
from dressform.evaluation.comparison import Comparison, Comparisons
from dressform.evaluation.evaluate import Evaluation
from dressform.evaluation.evaluate import evaluate as evaluate_predictions
from dressform.evaluation.fold_scores import FoldScores
from dressform.evaluation.metrics import METRICS, find_metric
from dressform.exploration.new_images import predict_new_images, read_for
from dressform.predict.onnx_evaluation import OnnxOptions, predict_labelled
from dressform.predict.prediction_sets import (
    check_same_images,
    kind_of,
    load_predictions_of,
    prediction_set_of,
    split_of,
    with_distinct_names,
)
from dressform.predictions import Predictions
from dressform.runs.crossval import CrossvalRun
from dressform.runs.layout import is_run
from dressform.runs.ledger import note_look
from dressform.runs.run import Run, open_run
from dressform.workbench.opening import Evaluable, Opened, open_any, several

logger = logging.getLogger(__name__)


def evaluate(
    what: Evaluable,
    *,
    split: str | None = None,
    data: DataSource | None = None,
    scale: str | None = None,
    mean: float | str | Sequence[float] | None = None,
    std: float | str | Sequence[float] | None = None,
    classes: str | Sequence[str] | None = None,
    **reading: Unpack[ReadArguments],
) -> Evaluation:
    """Accuracy with its interval, scores per class and the confusion matrix; of a cross-validation
    the means over its folds too.

    Args:
        what: a run, a cross-validation, predictions, or a path of one of them or of an ONNX model.
        split: without ``data`` ``test`` (default) or ``validation`` of a run; of ``data``
            ``train``, ``validation`` or ``test``, default all of them.
        data: labelled images for a run or an ONNX model: a dataset's name, a path, or
            :class:`DatasetSplits`. All are evaluated, at the size that the model takes; their
            classes are joined by name. Default: the predictions that a run keeps; for a model,
            Fashion-MNIST's test split.
        scale: what an ONNX model of floats takes: ``unit``, 0 to 1 (default), ``raw``, 0 to 255, or
            ``symmetric``, -1 to 1.
        mean: subtracted from these pixels: a number or one per channel, as torchvision's
            ``Normalize``.
        std: divides them after that: a number or one per channel.
        classes: names of an ONNX model's classes in the order of its outputs; default: those of a
            ``model.json`` or ``class_names.txt`` beside it or in its metadata; else the order of
            the data's classes.
        **reading: how ``data`` are read, as for :func:`load_data`; ``image_size`` only for an ONNX
            model whose input has no fixed size.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    opened = open_any(what)
    _check_options(
        opened,
        data is not None,
        split=split,
        data=data,
        scale=scale,
        mean=mean,
        std=std,
        classes=classes,
        **reading,
    )
    source = _Source(split, data, reading, OnnxOptions.of(scale, mean, std, classes))
    predicted = _prediction_set(opened, source, "evaluate")
    predictions = predicted.predictions[0]
    evaluation = evaluate_predictions(predictions)
    if isinstance(opened, CrossvalRun):
        scores = {name: predicted.fold_scores(metric) for name, metric in METRICS.items()}
        return replace(evaluation, over_folds=FoldScores(opened.folds, opened.repeats, scores))
    if isinstance(opened, Run) and predictions.temperature != 1:
        return replace(evaluation, temperature_fitted_on="validation")
    return evaluation


def compare(
    *what: Evaluable | Sequence[Evaluable],
    metric: str = "accuracy",
    rope: float = 0.005,
    split: str | None = None,
    data: DataSource | None = None,
    figure: str | Path | None = None,
    scale: str | None = None,
    mean: float | str | Sequence[float] | None = None,
    std: float | str | Sequence[float] | None = None,
    classes: str | Sequence[str] | None = None,
    **reading: Unpack[ReadArguments],
) -> Comparisons:
    """Whether one model is really better: every pair, with interval, test and verdict.

    Args:
        what: two or more runs, cross-validations, predictions, or paths of them or of ONNX models,
            one by one or in a list.
        metric: ``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``top2``, ``top3``, ``nll``,
            ``brier`` or ``ece``. Hard predictions have the first three.
        rope: differences up to this count as practically equal, in the metric's units.
        split: of runs and models, or of ``data``; default test, of ``data`` all.
        data: labelled images for runs and ONNX models: a dataset's name or a path. Default: the
            predictions that runs keep; for models, Fashion-MNIST's test split.
        figure: PNG file: box plots of cross-validations, else the differences with their intervals.
        scale, mean, std, classes: of all ONNX models, as for :func:`evaluate`.
        **reading: how ``data`` are read, as for :func:`load_data`.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    check_rope(rope, find_metric(metric))
    given: list[Evaluable] = several(what)
    opened = [open_any(one) for one in given]
    if len(given) == 1:
        raise ConfigError("only one model to compare; give two or more")
    if figure is not None:
        from dressform.reporting.output import check_target

        check_target(Path(figure))
    source = _Source(split, data, reading, OnnxOptions.of(scale, mean, std, classes))
    check_reading(data, reading)
    if data is not None and any(isinstance(one, CrossvalRun) for one in opened):
        raise ConfigError(
            f"data={str(data)!r} does not apply to a cross-validation, which keeps its "
            f"predictions; leave "
            f"it out, or compare runs"
        )
    _check_shared(
        opened, data is not None, split=split, scale=scale, mean=mean, std=std, classes=classes
    )
    sets = [_prediction_set(one, source, "compare") for one in opened]
    sets = with_distinct_names(sets, [_name(one, place) for place, one in enumerate(given, 1)])
    if data is None:
        check_same_images([one for one in opened if isinstance(one, Run)], split)
    comparisons = compare_sets(sets, metric=metric, rope=rope)
    if figure is not None:
        _draw_comparison(sets, comparisons, Path(figure))
    return Comparisons(comparisons)


def calibrate(
    what: Evaluable,
    *,
    alpha: float = 0.1,
    split: str | None = None,
    data: DataSource | None = None,
    scale: str | None = None,
    mean: float | str | Sequence[float] | None = None,
    std: float | str | Sequence[float] | None = None,
    classes: str | Sequence[str] | None = None,
    **reading: Unpack[ReadArguments],
) -> Calibration:
    """Whether probabilities can be trusted, and what a temperature would change.

    Fits a temperature and conformal thresholds on some examples and evaluates them on others: of a
    run on validation and test, of a cross-validation fold by fold, of predictions, and of a run or
    model on ``data``, in five parts.

    Args:
        what: a run, a cross-validation, predictions, or a path of one of them or of an ONNX model.
        alpha: fraction of prediction sets that may miss the true class.
        split, data: as for :func:`evaluate`.
        scale, mean, std, classes: of an ONNX model, as for :func:`evaluate`.
        **reading: how ``data`` are read, as for :func:`load_data`.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    opened = open_any(what)
    _check_options(
        opened,
        data is not None,
        split=split,
        data=data,
        scale=scale,
        mean=mean,
        std=std,
        classes=classes,
        **reading,
    )
    if isinstance(opened, CrossvalRun):
        predictions, folds = opened.out_of_fold()
        if opened.repeats > 1:
            logger.warning("repeat 1 of %d is evaluated", opened.repeats)
        return calibrate_predictions(predictions[0], parts=folds[0], alpha=alpha)
    both = (
        isinstance(opened, Run)
        and split is None
        and data is None
        and all(opened.layout.predictions(split).exists() for split in ("validation", "test"))
    )
    if isinstance(opened, Run) and both:
        calibration = calibrate_predictions(
            opened.predictions("test"), fitted_on=opened.predictions("validation"), alpha=alpha
        )
        note_look(opened.path, what="calibrate", examples=len(calibration.unscaled))
        return calibration
    source = _Source(split, data, reading, OnnxOptions.of(scale, mean, std, classes))
    predictions_alone = _prediction_set(opened, source, "calibrate").predictions[0]
    return calibrate_predictions(predictions_alone, alpha=alpha)


def draw_calibration(
    calibration: Calibration, what: Evaluable, figure: str | Path | None = None
) -> Path | None:
    """Draw a reliability diagram.

    Args:
        calibration: what :func:`calibrate` gave for ``what``.
        what: gives the title, and the folder for figures where it has one.
        figure: PNG file; default ``reliability.png`` in the folder for figures.

    Returns:
        the file; None where there is no folder for it, or it cannot be written.
    """
    from dressform.reporting.figures.calibration import draw_reliability
    from dressform.reporting.figures.canvas import LONGEST_TITLE, origin_of, save, short_name

    opened = open_any(what)
    title, folder, origin = _name(what, 1), None, {}
    if isinstance(opened, (Run, CrossvalRun)):
        title, folder = opened.name, opened.layout.figures
        origin = origin_of(opened.path, opened.name)
    target = Path(figure) if figure else folder / "reliability.png" if folder else None
    if target is None:
        return None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save(draw_reliability(calibration, short_name(title, LONGEST_TITLE)), target, origin)
    except OSError as error:
        logger.warning(f"{target} cannot be written ({error.strerror or error}); give another file")
        return None
    return target


@dataclass(frozen=True)
class _Source:
    """Which predictions of a run or a model are wanted."""

    split: str | None = None
    data: DataSource | None = None
    reading: ReadArguments = field(default_factory=ReadArguments)
    onnx: OnnxOptions = field(default_factory=OnnxOptions)


def _check_options(
    opened: Opened,
    with_data: bool,
    **options: object,
) -> None:
    """Refuse options that would change nothing."""
    useful, reason = _useful(opened, with_data)
    for name, value in options.items():
        if value is not None and useful is not None and name not in useful:
            raise ConfigError(f"{argument(name, value)} does not apply to {reason}; leave it out")
    if with_data:
        reading = {name: options[name] for name in ReadArguments.__annotations__ if name in options}
        check_reading(options["data"], ReadArguments(**reading))  # type: ignore[typeddict-item]


def _useful(opened: Opened, with_data: bool) -> tuple[set[str] | None, str]:
    """The options that change something for one that is evaluated, None for all of them; and why
    others do not.
    """
    if isinstance(opened, CrossvalRun):
        return set(), "a cross-validation, which keeps its predictions"
    if isinstance(opened, Run) and with_data:
        useful = {"split", "data", *ReadArguments.__annotations__}
        return useful, "a run, whose model.json says it"
    if isinstance(opened, Run):
        return {"split", "data"}, "a run, which keeps its predictions"
    if isinstance(opened, Path) and kind_of(opened) == "model":
        return None, ""
    return set(), "predictions, which have no splits and no images"


def _check_shared(
    opened: Sequence[Opened],
    with_data: bool,
    **options: object,
) -> None:
    """Refuse options that would change nothing for any of several."""
    each = [_useful(one, with_data) for one in opened]
    for name, value in options.items():
        if value is not None and all(
            useful is not None and name not in useful for useful, _ in each
        ):
            reasons = " or to ".join(dict.fromkeys(reason for _, reason in each))
            raise ConfigError(f"{argument(name, value)} does not apply to {reasons}; leave it out")


def _prediction_set(opened: Opened, source: _Source, call: str) -> PredictionSet:
    """The predictions of anything; a look at test is written to the ledger."""
    if isinstance(opened, PredictionSet):
        return opened
    if isinstance(opened, Predictions):
        return PredictionSet("predictions", (opened,))
    if isinstance(opened, CrossvalRun):
        return prediction_set_of(opened)
    if isinstance(opened, Run) and source.data is not None:
        examples = read_for(opened, source.data, source.reading)
        new = predict_new_images(opened, examples, split=source.split)
        if new.own:
            note_look(opened.path, what=call, examples=len(new.predictions))
        return PredictionSet(opened.name, (new.predictions,))
    if isinstance(opened, Path) and kind_of(opened) == "model":
        made = predict_labelled(
            opened,
            "fashion-mnist" if source.data is None else source.data,
            split=source.split,
            reading=ReadOptions.of(source.reading),
            options=source.onnx,
        )
        run = opened.resolve().parent.parent
        own = open_run(run).manifest.dataset.digests if is_run(run) else {}
        if own.get("test", "none") in made.digests.values():
            note_look(run, what=call, examples=len(made.predictions))
        return PredictionSet(str(opened), (made.predictions,))
    name, predictions = load_predictions_of(opened, source.split)
    if isinstance(opened, Run) and split_of(opened, source.split) == "test":
        note_look(opened.path, what=call, examples=len(predictions))
    return PredictionSet(name, (predictions,))


def _name(what: Evaluable, place: int) -> str:
    if isinstance(what, (Run, CrossvalRun)):
        return str(what.path)
    return str(what) if isinstance(what, (str, Path)) else str(place)


def _draw_comparison(
    sets: Sequence[PredictionSet], comparisons: Sequence[Comparison], figure: Path
) -> None:
    from dressform.reporting.figures.canvas import save
    from dressform.reporting.figures.comparison import draw_differences
    from dressform.reporting.figures.crossval import draw_boxes

    if not comparisons[0].folds:
        save(draw_differences(comparisons), figure)
        return
    metric = find_metric(comparisons[0].metric)
    scores = {one.name: one.fold_scores(metric) for one in sets}
    save(draw_boxes(scores, comparisons[0].folds, metric), figure)
