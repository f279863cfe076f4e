"""`predict_onnx`: run ONNX classifiers of any framework on a dataset. No torch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.dataset import Dataset, inference_batch_size
from dressform.predict.session import BATCH_SIZE, open_session, run_session
from dressform.predictions.predictions import Predictions, predictions_from_scores
from dressform.predictions.probabilities import find_invalid_probabilities

PIXEL_SCALES = ("unit", "raw")
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

    def array(self, images: NDArray[np.uint8], pixels: str) -> NDArray[Any]:
        """Convert images uint8 [N, H, W, C] to the graph's input."""
        if self.axes == "NCHW":
            images = images.transpose(0, 3, 1, 2)
        elif self.axes == "NHW":
            images = images[..., 0]
        elif self.axes == "NF":
            images = images.reshape(len(images), -1)
        if self.dtype is np.uint8:
            return np.ascontiguousarray(images)
        values: NDArray[Any] = np.ascontiguousarray(
            images, dtype=np.float64 if self.dtype is np.float64 else np.float32
        )
        return (values / 255 if pixels == "unit" else values).astype(self.dtype)


MAX_BATCH_VALUES = 10**8
"""Maximum number of values in a fixed batch."""


def predict_onnx(path: str | Path, dataset: Dataset, *, pixels: str = "unit") -> Predictions:
    """Run an ONNX classifier on a dataset.

    Args:
        path: a model with one input, images as uint8, float16, float32 or float64, of shape [N,
            H, W, C], [N, C, H, W], [N, H, W] or [N, H·W·C]; N may be fixed. If both of the first
            two fit, the first is used. Its output is [N, K]: the one named ``logits`` or
            ``probabilities``, else the first. If all rows add up to 1 with values in 0..1 they are
            probabilities, else logits; an output within 0..1 that does not add up to 1 is refused
            unless it is named ``logits``.
        dataset: images of the model's size, with its K classes in its order.
        pixels: ``unit`` scales inputs of float models to 0..1, ``raw`` leaves 0..255. Inputs of
            uint8 models are not scaled.

    Raises:
        DataError: the file does not exist or is not ONNX, its input, output, size or classes do not
            fit, or scores are not finite.
    """
    if pixels not in PIXEL_SCALES:
        raise DataError(f"pixels are {pixels!r}; allowed: unit (0 to 1) or raw (0 to 255)")
    path = user_path(path)
    if not path.is_file():
        raise DataError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; give an .onnx file"
        )
    session = open_session(path, DataError)
    graph = _graph_input(path, session.get_inputs(), dataset.shape)
    outputs = [output.name for output in session.get_outputs()]
    output = next((name for name in ("logits", "probabilities") if name in outputs), outputs[0])
    if graph.batch is not None and graph.batch * int(np.prod(dataset.shape)) > MAX_BATCH_VALUES:
        raise DataError(
            f"{path} has a fixed batch of {graph.batch:,} images, which does not fit in memory; "
            f"export it with a dynamic batch size"
        )
    batch_size = graph.batch or inference_batch_size(dataset.shape, BATCH_SIZE)
    parts = []
    for start in range(0, len(dataset), batch_size):
        images = dataset.images[start : start + batch_size]
        rows = len(images)
        if graph.batch and rows < batch_size:  # the last, incomplete fixed batch
            images = np.concatenate(
                [images, np.zeros((batch_size - rows, *dataset.shape), np.uint8)]
            )
        (scores,) = run_session(
            session, [output], {graph.name: graph.array(images, pixels)}, DataError, str(path)
        )
        _check_scores(path, output, scores, len(images), len(dataset.class_names))
        parts.append(scores[:rows])
    all_scores = np.concatenate(parts)
    invalid = find_invalid_probabilities(all_scores)
    if invalid and (
        "prob" in output.lower()
        or (output != "logits" and all_scores.min() >= 0 and all_scores.max() <= 1)
    ):
        raise DataError(
            f"{path} gives {output} that {invalid[1]} (example {dataset.ids[invalid[0]]})"
        )
    predictions = predictions_from_scores(
        path,
        "logits" if invalid else "probabilities",
        ids=dataset.ids,
        labels=dataset.labels,
        scores=all_scores,
        class_names=dataset.class_names,
    )
    return replace(predictions, groups=dataset.groups)


def _graph_input(path: Path, inputs: list[Any], shape: tuple[int, int, int]) -> GraphInput:
    if len(inputs) != 1:
        raise DataError(
            f"{path} has {len(inputs)} inputs ({', '.join(i.name for i in inputs)}); allowed: "
            f"one, the images"
        )
    (graph_input,) = inputs
    if graph_input.type not in _DTYPES:
        raise DataError(f"{path} takes {graph_input.type}; allowed: {', '.join(_DTYPES)}")
    height, width, channels = shape
    layouts = {
        "NHWC": (height, width, channels),
        "NCHW": (channels, height, width),
        "NHW": (height, width),
        "NF": (height * width * channels,),
    }
    if channels > 1:
        del layouts["NHW"]
    # others are symbols
    sizes = [size if isinstance(size, int) and size > 0 else None for size in graph_input.shape]
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
        or scores.ndim != 2
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
    if scores.shape[1] != classes:
        raise DataError(
            f"{path} gives {scores.shape[1]} scores per image but the data have {classes} "
            f"classes;"
            " give the data that the model was made for"
        )
