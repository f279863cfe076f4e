"""`predict_onnx`: run ONNX classifiers of any framework on a dataset. No torch."""

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.dataset import Dataset, inference_batch_size
from dressform.predict.scaling import Scaling
from dressform.predict.session import BATCH_SIZE, open_session, run_session
from dressform.predictions.predictions import Predictions, ScoreKind, predictions_from_scores
from dressform.predictions.probabilities import find_invalid_probabilities, is_single

logger = logging.getLogger(__name__)

_DTYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}


@dataclass(frozen=True)
class GraphInput:
    """The input of a graph.

    Attributes:
        name: of the input.
        dtype: uint8, float16, float32 or float64.
        axes: ``NHWC``, ``NCHW``, ``NHW``, or ``NF`` for flattened images, in the order H, W, C.
        batch: fixed batch size, or None if it is dynamic.
    """

    name: str
    dtype: type[np.generic]
    axes: str
    batch: int | None

    def array(self, images: NDArray[np.uint8], scaling: Scaling) -> NDArray[Any]:
        """Convert images uint8 [N, H, W, C] to the graph's input."""
        values: NDArray[Any] = images
        if self.dtype is not np.uint8:
            values = scaling.apply(images, self.dtype)
        if self.axes == "NCHW":
            values = values.transpose(0, 3, 1, 2)
        elif self.axes == "NHW":
            values = values[..., 0]
        elif self.axes == "NF":
            values = values.reshape(len(values), -1)
        return np.ascontiguousarray(values)


MAX_BATCH_VALUES = 10**8
"""Maximum number of values in a fixed batch."""


class OnnxModel:
    """An ONNX classifier of any framework.

    Args:
        path: a model with one input, images as uint8, float16, float32 or float64, of shape [N,
            H, W, C], [N, C, H, W], [N, H, W] or [N, H·W·C]; N may be fixed. If both of the first
            two fit, the first is used. Its output is [N, K], or of two classes [N] or [N, 1]: the
            one named ``probabilities`` or ``logits``, else the first.

    Attributes:
        path: of the file.
        output: name of the output.

    Raises:
        DataError: the file does not exist, is not ONNX, or has another input.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = user_path(path)
        if not self.path.is_file():
            problem = "is a folder" if self.path.is_dir() else "does not exist"
            raise DataError(f"{self.path} {problem}; give an .onnx file")
        self._session = open_session(self.path, DataError)
        self._inputs = self._session.get_inputs()
        if len(self._inputs) != 1:
            raise DataError(
                f"{self.path} has {len(self._inputs)} inputs "
                f"({', '.join(i.name for i in self._inputs)}); allowed: one, the images"
            )
        if self._inputs[0].type not in _DTYPES:
            raise DataError(
                f"{self.path} takes {self._inputs[0].type}; allowed: {', '.join(_DTYPES)}"
            )
        outputs = [output.name for output in self._session.get_outputs()]
        self.output = next((n for n in ("probabilities", "logits") if n in outputs), outputs[0])

    @property
    def metadata(self) -> dict[str, str]:
        """What its maker wrote into the file, by name."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def takes_bytes(self) -> bool:
        """Whether its input is uint8, which nobody has to scale."""
        return _DTYPES[self._inputs[0].type] is np.uint8

    @property
    def size(self) -> tuple[int, int, int | None] | None:
        """Height, width and channels (None if they are open) of the images that it takes; None if
        their size is open.
        """
        sizes = _sizes(self._inputs[0])
        if len(sizes) == 4:
            channels_last = sizes[3] in (1, 3) or (sizes[1] not in (1, 3) and sizes[3] is None)
            height, width, channels = (
                (sizes[1], sizes[2], sizes[3]) if channels_last else (*sizes[2:], sizes[1])
            )
        elif len(sizes) == 3:
            height, width, channels = sizes[1], sizes[2], 1
        elif len(sizes) == 2 and sizes[1] is not None:
            return _square(sizes[1])
        else:
            return None
        return None if height is None or width is None else (height, width, channels)

    @property
    def single(self) -> bool:
        """Whether the file says that it gives one score per image, as a binary model may."""
        output = self._output()
        return output.type in _DTYPES and _sizes(output)[1:] in ([], [1])

    @property
    def classes(self) -> int | None:
        """K, or None if the file does not say."""
        sizes = _sizes(self._output())
        return 2 if self.single else sizes[1] if len(sizes) == 2 else None

    def _output(self) -> Any:
        return next(o for o in self._session.get_outputs() if o.name == self.output)

    def scores(self, images: NDArray[np.uint8], classes: int, scaling: Scaling) -> NDArray[Any]:
        """The scores of images, of both classes where the output has one of them.

        Args:
            images: uint8 [N, H, W, C], of the model's size.
            classes: K.
            scaling: of their pixels; inputs of uint8 models are not scaled.

        Returns:
            floats [N, K].

        Raises:
            DataError: the model takes other images, or gives something else.
        """
        outputs = self.outputs(images, classes, scaling)
        return both_scores(outputs, self.output)[0] if is_single(outputs) else outputs

    def outputs(self, images: NDArray[np.uint8], classes: int, scaling: Scaling) -> NDArray[Any]:
        """The output for images, floats [N, K], or of two classes also [N] or [N, 1]; arguments and
        errors as of :meth:`scores`.
        """
        height, width, channels = images.shape[1:]
        graph = _graph_input(self.path, self._inputs, (height, width, channels))
        values = height * width * channels
        if graph.batch is not None and graph.batch * values > MAX_BATCH_VALUES:
            raise DataError(
                f"{self.path} has a fixed batch of {graph.batch:,} images, which does not fit in "
                f"memory; export it with a dynamic batch size"
            )
        batch_size = graph.batch or inference_batch_size(images.shape[1:], BATCH_SIZE)
        parts = []
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            count = len(batch)
            if graph.batch and count < batch_size:  # the last, incomplete fixed batch
                padding = np.zeros((batch_size - count, *images.shape[1:]), np.uint8)
                batch = np.concatenate([batch, padding])
            (scores,) = run_session(
                self._session,
                [self.output],
                {graph.name: graph.array(batch, scaling)},
                DataError,
                str(self.path),
            )
            _check_scores(self.path, self.output, scores, len(batch), classes)
            parts.append(scores[:count])
        return np.concatenate(parts)


def predict_onnx(
    model: OnnxModel | str | Path, dataset: Dataset, *, scaling: Scaling | None = None
) -> Predictions:
    """Run an ONNX classifier on a dataset.

    Args:
        model: see :class:`OnnxModel`. If all rows of its output add up to 1 with values in 0..1
            they are probabilities, else logits; an output within 0..1 that does not add up to 1 is
            refused unless it is named ``logits``. A single output is the probability of the second
            of two classes if it is within 0..1, else its logit, which a note says.
        dataset: images of the model's size, with its K classes in its order.
        scaling: of the pixels, for a model of floats; default 0 to 1.

    Raises:
        DataError: the file does not exist or is not ONNX, its input, output, size or classes do not
            fit, or scores are not finite.
    """
    opened = model if isinstance(model, OnnxModel) else OnnxModel(model)
    path, output = opened.path, opened.output
    all_scores = opened.outputs(dataset.images, len(dataset.class_names), scaling or Scaling())
    kind: ScoreKind
    if is_single(all_scores):
        all_scores, kind = _noted_scores(opened, all_scores, dataset.class_names)
    else:
        invalid = find_invalid_probabilities(all_scores)
        if invalid and (
            "prob" in output.lower()
            or (output != "logits" and all_scores.min() >= 0 and all_scores.max() <= 1)
        ):
            raise DataError(
                f"{path} gives {output} that {invalid[1]} (example {dataset.ids[invalid[0]]})"
            )
        kind = "logits" if invalid else "probabilities"
    predictions = predictions_from_scores(
        path,
        kind,
        ids=dataset.ids,
        labels=dataset.labels,
        scores=all_scores,
        class_names=dataset.class_names,
    )
    return replace(predictions, groups=dataset.groups)


def _noted_scores(
    model: OnnxModel, single: NDArray[np.floating], class_names: tuple[str, ...]
) -> tuple[NDArray[np.float64], ScoreKind]:
    """:func:`both_scores`, with a note on what was assumed.

    Raises:
        DataError: the output is named after probabilities, and is none.
    """
    scores, kind = both_scores(single, model.output)
    low, high = float(single.min()), float(single.max())
    if kind == "logits" and "prob" in model.output.lower():
        raise DataError(
            f"{model.path} gives {model.output} from {low:.4g} to {high:.4g}, one per image; "
            f"allowed: 0 to 1, so apply a sigmoid or name that output logits"
        )
    first, second = class_names
    what = "probability" if kind == "probabilities" else "logit"
    logger.warning(
        f"{model.path} gives one score per image, {low:.4g} to {high:.4g}; it was taken as the "
        f"{what} of class {second}, the second of {first}, {second} (classes= gives another order)"
    )
    return scores, kind


def both_scores(single: NDArray[np.floating], output: str) -> tuple[NDArray[np.float64], ScoreKind]:
    """Scores of two classes, float64 [N, 2], from the one of the second, [N] or [N, 1], and what it
    is: its probability within 0..1, unless the output is named ``logits``; else its logit.
    """
    second = single.astype(np.float64).reshape(-1)
    if "logit" not in output.lower() and second.min() >= 0 and second.max() <= 1:
        return np.stack([1 - second, second], axis=1), "probabilities"
    return np.stack([np.zeros_like(second), second], axis=1), "logits"


def _sizes(graph_input: Any) -> list[int | None]:
    """The shape of an input; None where it is open."""
    return [size if isinstance(size, int) and size > 0 else None for size in graph_input.shape]


def _square(features: int) -> tuple[int, int, int | None] | None:
    """The square images that have so many values: grey ones, else colour ones."""
    for channels in (1, 3):
        side = math.isqrt(features // channels)
        if side * side * channels == features:
            return side, side, channels
    return None


def _graph_input(path: Path, inputs: list[Any], shape: tuple[int, int, int]) -> GraphInput:
    (graph_input,) = inputs
    height, width, channels = shape
    layouts = {
        "NHWC": (height, width, channels),
        "NCHW": (channels, height, width),
        "NHW": (height, width),
        "NF": (height * width * channels,),
    }
    if channels > 1:
        del layouts["NHW"]
    sizes = _sizes(graph_input)
    for axes, expected in layouts.items():
        if len(sizes) == len(axes) and all(
            size in (None, size_expected)
            for size, size_expected in zip(sizes[1:], expected, strict=True)
        ):
            return GraphInput(graph_input.name, _DTYPES[graph_input.type], axes, sizes[0])
    actual = ", ".join("?" if size is None else str(size) for size in sizes)
    allowed = " or ".join(f"[N, {', '.join(map(str, expected))}]" for expected in layouts.values())
    raise DataError(
        f"{path} takes [{actual}] but the images are {height} x {width} x {channels}; allowed: "
        f"{allowed}, so give the data that the model was made for"
    )


def _check_scores(path: Path, output: str, scores: Any, rows: int, classes: int) -> None:
    if (
        not isinstance(scores, np.ndarray)
        or scores.dtype.kind != "f"
        or scores.ndim not in (1, 2)
        or len(scores) != rows
    ):
        description = (
            f"{scores.dtype} {list(scores.shape)}"
            if isinstance(scores, np.ndarray)
            else f"a {type(scores).__name__}"
        )
        raise DataError(
            f"{path} gives {description} as {output} for {rows} images; allowed: floats [{rows}, "
            f"{classes}],"
            " so name that output logits or probabilities"
        )
    if is_single(scores):
        if classes != 2:
            raise DataError(
                f"{path} gives one score per image, which tells two classes apart, but there are "
                f"{classes} classes; give data of its two classes"
            )
    elif scores.shape[1] != classes:
        raise DataError(
            f"{path} gives {scores.shape[1]} scores per image but there are {classes} classes; "
            f"name the classes of its outputs in their order with classes="
        )
