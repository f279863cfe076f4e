"""ONNX classifiers of any framework: what their graph takes is read from it, and a dataset is sent
through. No torch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.dataset import Dataset, inference_batch_size
from dressform.predict.session import AT_ONCE, open_session, run_session
from dressform.predictions.predictions import Predictions, predictions_from_scores
from dressform.predictions.probabilities import find_invalid_probabilities

PIXELS = ("unit", "raw")
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}


@dataclass(frozen=True)
class GraphInput:
    """What a graph takes.

    Attributes:
        name: of the input.
        dtype: uint8, float16, float32 or float64.
        axes: ``NHWC``, ``NCHW``, ``NHW``, or ``NF`` for flat pictures, whose pixels come in the
            order H, W, C.
        batch: how many pictures at a time, None where any number may come.
    """

    name: str
    dtype: type[np.generic]
    axes: str
    batch: int | None

    def array(self, images: NDArray[np.uint8], pixels: str) -> NDArray[Any]:
        """Pictures uint8 [N, H, W, C] as the graph takes them."""
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


MOST_NUMBERS = 10**8
"""Of a fixed batch."""


def predict_onnx(path: str | Path, dataset: Dataset, *, pixels: str = "unit") -> Predictions:
    """Run an ONNX classifier over a dataset.

    Args:
        path: a model with one input, pictures as uint8, float16, float32 or float64, of shape [N,
            H, W, C], [N, C, H, W], [N, H, W] or [N, H·W·C]; N may be fixed. Where both of the first
            two fit, the first is taken. Its output is [N, K]: the one called ``logits`` or
            ``probabilities``, else the first. Rows that all add up to 1 with values in 0..1 are
            probabilities, others logits; an output within 0..1 that does not add up is refused
            unless it is called ``logits``.
        dataset: pictures of the model's size and with its K classes in its order.
        pixels: ``unit`` gives 0..1 to a model of floats, ``raw`` 0..255. A model of uint8 gets the
            bytes as they are.

    Raises:
        DataError: no such file, not ONNX, another input or output than these, other sizes or
            classes than the dataset's, or scores that are not finite.
    """
    if pixels not in PIXELS:
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
    if graph.batch is not None and graph.batch * int(np.prod(dataset.shape)) > MOST_NUMBERS:
        raise DataError(
            f"{path} takes {graph.batch:,} pictures at once, which no memory holds; export it "
            f"with a batch of any size"
        )
    step = graph.batch or inference_batch_size(dataset.shape, AT_ONCE)
    parts = []
    for start in range(0, len(dataset), step):
        images = dataset.images[start : start + step]
        rows = len(images)
        if graph.batch and rows < step:  # the last pictures of a fixed batch
            images = np.concatenate([images, np.zeros((step - rows, *dataset.shape), np.uint8)])
        (scores,) = run_session(
            session, [output], {graph.name: graph.array(images, pixels)}, DataError, str(path)
        )
        _check_scores(path, output, scores, len(images), len(dataset.class_names))
        parts.append(scores[:rows])
    every = np.concatenate(parts)
    fault = find_invalid_probabilities(every)
    if fault and (
        "prob" in output.lower() or (output != "logits" and every.min() >= 0 and every.max() <= 1)
    ):
        raise DataError(f"{path} gives {output} that {fault[1]} (picture {dataset.ids[fault[0]]})")
    return predictions_from_scores(
        path,
        "logits" if fault else "probabilities",
        ids=dataset.ids,
        labels=dataset.labels,
        scores=every,
        class_names=dataset.class_names,
    )


def _graph_input(path: Path, inputs: list[Any], shape: tuple[int, int, int]) -> GraphInput:
    if len(inputs) != 1:
        raise DataError(
            f"{path} has {len(inputs)} inputs ({', '.join(i.name for i in inputs)}); allowed: "
            f"one, the pictures"
        )
    (found,) = inputs
    if found.type not in _DTYPES:
        raise DataError(f"{path} takes {found.type}; allowed: {', '.join(_DTYPES)}")
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
    sizes = [size if isinstance(size, int) and size > 0 else None for size in found.shape]
    for axes, needed in layouts.items():
        if len(sizes) == len(axes) and all(
            size in (None, need) for size, need in zip(sizes[1:], needed, strict=True)
        ):
            return GraphInput(found.name, _DTYPES[found.type], axes, sizes[0])
    taken = ", ".join("?" if size is None else str(size) for size in sizes)
    allowed = " or ".join(f"[N, {', '.join(map(str, needed))}]" for needed in layouts.values())
    raise DataError(
        f"{path} takes [{taken}] but the pictures are {height} x {width} x {channels}; allowed: "
        f"{allowed},"
        " so give the data that the model was made for"
    )


def _check_scores(path: Path, output: str, scores: Any, rows: int, classes: int) -> None:
    if (
        not isinstance(scores, np.ndarray)
        or scores.dtype.kind != "f"
        or scores.ndim != 2
        or len(scores) != rows
    ):
        what = (
            f"{scores.dtype} {list(scores.shape)}"
            if isinstance(scores, np.ndarray)
            else f"a {type(scores).__name__}"
        )
        raise DataError(
            f"{path} gives {what} as {output} for {rows} pictures; allowed: floats [{rows}, "
            f"{classes}],"
            " so call that output logits or probabilities"
        )
    if scores.shape[1] != classes:
        raise DataError(
            f"{path} gives {scores.shape[1]} scores per picture but the data have {classes} "
            f"classes;"
            " give the data that the model was made for"
        )
