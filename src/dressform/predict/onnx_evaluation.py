"""`predict_labelled`: what an ONNX model of any framework says of labelled images. No torch."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DataError
from dressform.data.dataset import Dataset
from dressform.data.labelled import LabelledImages, chosen, images_at, read_examples
from dressform.data.read_options import ReadOptions
from dressform.data.source import DataSource
from dressform.predict.onnx_classes import class_order_of, given_classes
from dressform.predict.onnx_hints import hint_of
from dressform.predict.onnx_model import OnnxModel, predict_onnx
from dressform.predict.scaling import Scaling, numbers_of
from dressform.predictions import Predictions
from dressform.predictions.class_names import labels_by_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class OnnxOptions:
    """What an ONNX file of another program does not say of itself.

    Attributes:
        scaling: of the pixels, for models of floats.
        classes: names in the order of the outputs; empty: those written beside the file, or the
            order of the data's classes.
        given: the options that the user gave, for messages.
    """

    scaling: Scaling = field(default_factory=Scaling)
    classes: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        scale: str | None = None,
        mean: float | str | Sequence[float] | None = None,
        std: float | str | Sequence[float] | None = None,
        classes: str | Sequence[str] | None = None,
    ) -> "OnnxOptions":
        """Options as a user gives them: None for the defaults.

        Raises:
            ConfigError: a value that is not allowed.
        """
        values = {"scale": scale, "mean": mean, "std": std, "classes": classes}
        return cls(
            scaling=Scaling(
                scale="unit" if scale is None else scale,
                mean=numbers_of("mean", mean),
                std=numbers_of("std", std),
            ),
            classes=given_classes(classes),
            given=tuple(name for name, value in values.items() if value is not None),
        )


@dataclass(frozen=True, eq=False)
class LabelledPredictions:
    """A model's predictions of labelled images.

    Attributes:
        predictions: of all of them.
        images: with the same ids, labels and classes.
        split: the split that they are, or ``all``.
        digests: of the data's splits that they come from.
    """

    predictions: Predictions
    images: Dataset
    split: str
    digests: Mapping[str, str]


def predict_labelled(
    path: str | Path,
    data: DataSource = "fashion-mnist",
    *,
    split: str | None = None,
    reading: ReadOptions | None = None,
    options: OnnxOptions | None = None,
) -> LabelledPredictions:
    """Predict all labelled images of a source with an ONNX model.

    The images have the size that the graph fixes, if it does. Classes are joined by name, in the
    order given, or written beside the model. A hint is logged where another scaling of the pixels,
    or another order of the classes, would be right far more often.

    Args:
        path: see :class:`dressform.predict.onnx_model.OnnxModel`.
        data: a name or a path, as for :func:`dressform.data.labelled.read_examples`.
        split: of the data; default all, of a bundled benchmark test.
        reading: how the data are read; the side of images only where the model's input has no fixed
            size.
        options: pixels and classes.

    Raises:
        DressformError: model, data or classes do not fit.
    """
    options = options or OnnxOptions()
    model = OnnxModel(path)
    size = model.size
    reading = reading or ReadOptions()
    if size is not None:
        if reading.image_size not in (None, *size[:2]):
            raise ConfigError(
                f"image_size={reading.image_size} does not apply to {path}, which takes images of "
                f"{size[1]} x {size[0]}; leave it out"
            )
        reading = replace(reading, image_size=size[0] if size[0] == size[1] else None)
    examples = chosen(read_examples(data, reading), split)
    dataset = _in_order(model, options, replace(examples.dataset, images=_inputs(model, examples)))
    predictions = predict_onnx(model, dataset, scaling=options.scaling)
    if not model.takes_bytes:

        def predict(images: NDArray[np.uint8], scaling: Scaling) -> NDArray[np.int64]:
            scores = model.scores(images, len(dataset.class_names), scaling)
            return np.asarray(scores.argmax(axis=1), np.int64)

        hint = hint_of(predict, dataset, predictions.predicted, options.scaling)
        if hint is not None:
            logger.warning(hint)
    evaluated = examples.counts if examples.divided else examples.digests
    digests = {name: examples.digests[name] for name in evaluated if name in examples.digests}
    return LabelledPredictions(predictions, dataset, examples.split, digests)


def _inputs(model: OnnxModel, examples: LabelledImages) -> NDArray[np.uint8]:
    """Images of the size that the model takes, uint8 [N, H, W, C]."""
    shape = examples.dataset.shape
    if model.size is None:
        return examples.dataset.images
    height, width, channels = model.size
    target = (height, width, channels or shape[2])
    if shape != target and target[2] in (1, 3):
        if shape[:2] != target[:2]:
            logger.warning(
                f"images of {shape[1]} x {shape[0]} were fitted to {width} x {height}, the model's "
                f"input"
            )
        return images_at(examples, target)
    return examples.dataset.images


def _in_order(model: OnnxModel, options: OnnxOptions, dataset: Dataset) -> Dataset:
    """The dataset with the classes of the model in the order of its outputs."""
    order = class_order_of(model.path, options.classes, model.metadata)
    if order is None:
        logger.warning(
            f"{model.path} does not name its classes; the order of the data was assumed: "
            f"{', '.join(dataset.class_names[:10])}{', …' if len(dataset.class_names) > 10 else ''}"
            f"; classes= gives another"
        )
        return dataset
    if model.classes is not None and model.classes != len(order.names):
        scores = f"{model.classes} scores per image"
        if model.single:
            scores = "one score per image, for two classes"
        raise DataError(
            f"{order.origin} names {len(order.names)} classes but {model.path} gives {scores}; "
            f"name each of them once, with classes="
        )
    labels = labels_by_name(
        dataset.labels,
        dataset.class_names,
        order.names,
        data="the data",
        model=f"{model.path.name} (classes by {order.origin})",
    )
    return replace(dataset, labels=labels, class_names=order.names)
