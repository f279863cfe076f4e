"""`inspect`: everything that a report shows of a run, a cross-validation, a predictions file or a
model.
"""

import logging
import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from dressform.core.errors import DataError, DressformError
from dressform.core.files import sha256_file, user_path
from dressform.core.numbers import duration
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.labelled import LabelledImages
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.data.source import DataSource, load_data, read_data
from dressform.evaluation.align import align, with_common_ids
from dressform.evaluation.compare import PredictionSet
from dressform.exploration.explanation import explain
from dressform.exploration.new_images import predict_new_images, read_for
from dressform.exploration.points import data_of, training_examples
from dressform.predict.onnx_evaluation import OnnxOptions, predict_labelled
from dressform.predict.prediction_sets import (
    kind_of,
    load_predictions_of,
    prediction_set_of,
    split_of,
)
from dressform.predictions import Predictions
from dressform.predictions.examples import canonical_split, examples_of, indices_of
from dressform.reporting.page.models import ModelReport
from dressform.runs.crossval import CrossvalRun, is_crossval, open_crossval
from dressform.runs.history import training_conditions
from dressform.runs.ledger import note_look
from dressform.runs.manifest import for_people
from dressform.runs.run import Run, open_run

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options that reports and explorations share.

    Attributes:
        split: of runs and models: ``test`` or ``validation``; default: test where there is one. An
            exploration also takes ``train``, or ``all`` for training and test images.
        data: a name or a path: the run's own images, if they have moved; or new labelled images,
            on which runs and ONNX models are evaluated; or the images of a predictions file.
        reading: how ``data`` are read.
        recipe_file: ``file.py:function`` that made the networks of runs, where a file did; it is
            executed, for saliency maps.
        onnx: pixels and classes of ONNX models.
    """

    split: str | None = None
    data: DataSource | None = None
    reading: ReadArguments = field(default_factory=ReadArguments)
    recipe_file: str | None = None
    onnx: OnnxOptions = field(default_factory=OnnxOptions)

    def load_data(self) -> DatasetSplits | None:
        """The data that ``data`` names, or None."""
        return None if self.data is None else load_data(self.data, **self.reading)


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a report shows of a model, and what it needs for that.

    Attributes:
        model: what it shows.
        split: name of the examples.
        prediction_set: what it compares.
        images: of the examples, in their order, or None.
        training_images: those that the neighbours are indices of, or None.
        data_name: of the data, where they are not the run's own; else empty.
    """

    model: ModelReport
    split: str
    prediction_set: PredictionSet
    images: Dataset | None = None
    training_images: Dataset | None = None
    data_name: str = ""

    def renamed(self, name: str) -> "Inspection":
        """The same with another name."""
        return replace(self, model=replace(self.model, name=name))

    def in_order_of(self, other: Predictions, name: str) -> "Inspection":
        """The same with the examples in the order of others: a report shows rows side by side.

        Args:
            other: predictions of the same examples.
            name: of the model that made them.

        Raises:
            DataError: they are of other examples.
        """
        model = self.model
        _, aligned = align(other, model.predictions, (name, model.name))
        ids, own_ids = (p.ids for p in with_common_ids(other, model.predictions))
        order = indices_of(own_ids, ids)
        neighbours = {
            metric: (indices[order], distances[order])
            for metric, (indices, distances) in model.neighbours.items()
        }
        saliency = None if model.saliency is None else model.saliency[order]
        return replace(
            self,
            model=replace(model, predictions=aligned, neighbours=neighbours, saliency=saliency),
            images=None if self.images is None else self.images.take(order),
        )


def inspect(path: str | Path, options: ReportOptions) -> Inspection:
    """Gather what a report shows.

    Args:
        path: folder of a run or a cross-validation, a predictions file, or an ONNX model.
        options: of the report.

    Raises:
        DressformError: the path cannot be used.
    """
    if is_crossval(path):
        return _inspect_crossval(open_crossval(path), options)
    if kind_of(path) == "run":
        run = open_run(path)
        if options.data is None:
            return inspect_run(run, options)
        examples = read_for(run, options.data, options.reading)
        if examples.digests == run.manifest.dataset.digests:  # its own, which may have moved
            return inspect_run(run, options, examples.splits)
        return _inspect_new_images(run, examples, options)
    if kind_of(path) == "model":
        return _inspect_model(path, options)
    return _inspect_predictions(path, options, options.load_data())


def _inspect_new_images(run: Run, examples: LabelledImages, options: ReportOptions) -> Inspection:
    """A run on labelled images that are not its own."""
    new = predict_new_images(run, examples, split=options.split)
    missing = [
        "learning curves: a report on the run's own data has them",
        "nearest training images and saliency maps: a report on the run's own data has them",
    ]
    facts = [("evaluated on", f"{options.data}: {len(new.images):,} images"), *facts_of(run)]
    return Inspection(
        ModelReport(run.name, new.predictions, facts, validation=_validation(run), missing=missing),
        "new" if new.split == "all" else new.split,
        PredictionSet(run.name, (new.predictions,)),
        new.images,
        data_name=Path(str(options.data)).stem or run.name,
    )


def _inspect_model(path: str | Path, options: ReportOptions) -> Inspection:
    """An ONNX model on labelled images."""
    made = predict_labelled(
        path,
        "fashion-mnist" if options.data is None else options.data,
        split=options.split,
        reading=ReadOptions.of(options.reading),
        options=options.onnx,
    )
    missing = [
        "learning curves and training settings: only a run directory has them",
        "nearest training images and saliency maps: only a run directory has the network they need",
    ]
    facts = [("model digest", sha256_file(user_path(path)))]
    return Inspection(
        ModelReport(str(path), made.predictions, facts, missing=missing),
        "labelled" if made.split == "all" else made.split,
        PredictionSet(str(path), (made.predictions,)),
        made.images,
        data_name="" if options.data is None else Path(str(options.data)).stem,
    )


def inspect_run(
    run: Run, options: ReportOptions, data: DatasetSplits | None = None, *, neighbours: bool = True
) -> Inspection:
    """A run as a report shows it.

    Args:
        run: finished.
        options: of the report.
        data: that it was trained on; None reads them.
        neighbours: find the nearest training images, too.
    """
    split = split_of(run, options.split)
    predictions, missing = run.predictions(split), list[str]()
    if split == "test":
        note_look(run.path, what="report", examples=len(predictions))
    images = training_images = None
    try:
        data = data or data_of(run, options.data)
        images = examples_of(predictions, data, split)
        training_images = training_examples(run, data) if neighbours else None
    except DressformError as error:
        if options.data is not None:
            raise
        missing.append(f"images, nearest training images and saliency maps: {error}")
    model = ModelReport(
        run.name,
        predictions,
        facts=facts_of(run),
        validation=_validation(run) if split == "test" else None,
        missing=missing,
    )
    try:
        conditions = [
            *training_conditions(run.manifest.resolved),
            "with augmentation and dropout where the recipe uses them",
        ]
        *others, last = conditions
        conditions_text = f"{', '.join(others)}, and {last}" if others else last
        note = f"Training values were measured during training: {conditions_text}."
        model = replace(model, history=run.history(), history_note=note)
    except DressformError as error:
        missing.append(f"learning curves: {error}")
    if images is not None:
        explanation = explain(run, split, images, training_images, options.recipe_file)
        missing += explanation.missing
        if explanation.neighbours is not None and explanation.distances is not None:
            nearest = (explanation.neighbours, explanation.distances)
            model = replace(model, neighbours={"cosine": nearest})
        model = replace(model, saliency=explanation.saliency)
    return Inspection(
        model,
        canonical_split(split),
        PredictionSet(run.name, (predictions,)),
        images,
        training_images,
    )


def _validation(run: Run) -> Predictions | None:
    """The run's predictions of its validation images, on which thresholds are chosen, or None."""
    if not run.layout.predictions("validation").exists():
        return None
    return run.predictions("validation")


def _inspect_predictions(
    path: str | Path, options: ReportOptions, data: DatasetSplits | None
) -> Inspection:
    """A predictions file."""
    name, predictions = load_predictions_of(path)
    predictions.require_probabilities(f"{path}: a report")
    missing = [
        "learning curves and training settings: only a run directory has them",
        "nearest training images and saliency maps: only a run directory has the network they need",
    ]
    images = None
    if data is None:
        missing.append("images: a predictions file has none; give its data, too")
    else:
        try:
            images = _examples_of_any_split(predictions, data)
        except DressformError as error:
            missing.append(f"images: {error}")
    prediction_set = PredictionSet(name, (predictions,))
    facts = [("predictions digest", sha256_file(user_path(path)))]
    return Inspection(
        ModelReport(name, predictions, facts, missing=missing), "predicted", prediction_set, images
    )


def _inspect_crossval(run: CrossvalRun, options: ReportOptions) -> Inspection:
    """A cross-validation: the out-of-fold predictions of its first repeat."""
    prediction_set = prediction_set_of(run)
    predictions = prediction_set.predictions[0]
    missing = ["nearest training images and saliency maps: the networks of the folds are not saved"]
    images = None
    try:
        images = _examples_of_any_split(predictions, _divided_data(run, options), "train")
    except DressformError as error:
        missing.append(f"images: {error}; give its data, too")
    facts = _facts_of_crossval(run)
    estimates = {name: asdict(row) for name, row in run.summary.estimates.items()}
    model = ModelReport(run.name, predictions, facts, missing=missing, estimates=estimates)
    return Inspection(model, "out-of-fold", prediction_set, images)


def _facts_of_crossval(run: CrossvalRun) -> list[tuple[str, str]]:
    """What a report says about a cross-validation: names and values."""
    divided, summary = run.divided, run.summary
    source = divided.location or divided.data
    words = ["dressform", "crossval", divided.reference or summary.recipe]
    words += ["--data", source] if source else []
    words += [word for text in summary.settings for word in ("--set", text)]
    words += [*divided.options.words(), "--folds", str(run.folds)]
    words += ["--repeats", str(run.repeats), "--seed", str(summary.seed)]
    examples = f"{summary.examples:,} train"
    return [
        ("run", "/".join(run.path.resolve().parts[-2:])),
        ("recipe", run.name),
        ("command", shlex.join(words)),
        ("data", f"{divided.data}: {examples}" if divided.data else examples),
        ("data digest", f"train {divided.data_digest}"),
        ("folds", f"{run.folds} (each example is predicted by a model not trained on it)"),
        ("repeats", f"{run.repeats} (this report shows the first)" if run.repeats > 1 else "1"),
        ("seed", str(summary.seed)),
        ("finished", for_people(divided.finished)),
        ("folder", str(run.path)),
    ]


def _divided_data(run: CrossvalRun, options: ReportOptions) -> DatasetSplits:
    """The data that a cross-validation divided, where they are now.

    Raises:
        DressformError: they are gone, or have changed.
    """
    divided = run.divided
    source = options.data or divided.location
    if source is None:
        raise DataError("the data were made in memory")
    reading = ReadOptions.of(options.reading) if options.reading else divided.options
    data = read_data(source, reading)
    if data.train.digest != divided.data_digest:
        raise DataError(f"{source} is not what was divided into folds, or has changed since")
    return data


def _examples_of_any_split(
    predictions: Predictions, data: DatasetSplits, likely: str = "test"
) -> Dataset:
    """The examples of predictions whose split is not known.

    Raises:
        DataError: they are neither test nor training examples.
    """
    try:
        return examples_of(predictions, data, likely)
    except DressformError:
        return examples_of(predictions, data, "train" if likely == "test" else "test")


def facts_of(run: Run) -> list[tuple[str, str]]:
    """What a report says about the training of a run: names and values."""
    manifest = run.manifest
    dataset, seconds, hardware = manifest.dataset, manifest.seconds, manifest.hardware
    source = dataset.source or dataset.name
    words = ["dressform", "train", manifest.reference, "--data", source]
    words += [word for text in manifest.settings for word in ("--set", text)]
    command = shlex.join([*words, *dataset.options.words(), "--seed", str(manifest.seed)])
    splits = ", ".join(f"{count:,} {name}" for name, count in dataset.examples.items() if count)
    devices = [
        str(hardware[name]) for name in ("processor", "device", "precision") if name in hardware
    ]
    if "threads" in hardware:
        devices.append(f"{hardware['threads']} threads")
    digests = ", ".join(f"{split} {digest}" for split, digest in dataset.digests.items())
    versions = ", ".join(f"{name} {version}" for name, version in manifest.packages.items())
    return [
        ("run", "/".join(run.path.resolve().parts[-2:])),
        ("command", command),
        ("data", f"{dataset.name}: {splits}"),
        ("data digest", digests),
        ("epochs", str(manifest.results.get("epochs", "-"))),
        ("training time", duration(seconds["train"]) if "train" in seconds else "-"),
        ("hardware", ", ".join(devices)),
        ("versions", versions),
        ("finished", for_people(manifest.finished)),
        ("folder", str(run.path)),
    ]
