"""`export_onnx`: export a trained network, including pixel scaling, and check it against the
original.
"""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.core.errors import TrainingError
from dressform.core.files import write_atomic
from dressform.core.text import counted
from dressform.data.dataset import inference_batch_size
from dressform.models.onnx_operators import traced_onnx

N_COMPARED = 256
"""Number of images for the comparison; fewer if they are large."""
TOLERANCE = 1e-3
"""Maximum difference of an output, relative to the largest one."""
OUTPUTS = ("logits", "probabilities")
"""Of the file."""


class _FromBytes(nn.Module):
    """uint8 [N, H, W, C] -> logits and probabilities [N, K]."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits: Tensor = self.network(images.permute(0, 3, 1, 2).float() / 255)
        return logits, torch.softmax(logits / self.temperature, dim=1)


def export_onnx(
    network: nn.Module, images: NDArray[np.uint8], path: Path, *, temperature: float = 1.0
) -> float:
    """Export a network to ONNX, with outputs ``logits`` and ``probabilities``, and compare the two.

    Args:
        network: float [N, C, H, W] in [0, 1] -> logits, on the CPU, in evaluation mode.
        images: uint8 [N, H, W, C], at least two examples to compare on.
        path: written atomically.
        temperature: by which logits are divided for the probabilities.

    Returns:
        the largest absolute difference of a logit between torch and ONNX Runtime.

    Raises:
        TrainingError: the network cannot be exported, or ONNX Runtime gives different logits.
    """
    module = _FromBytes(network, temperature).eval()
    sample = torch.tensor(images[: inference_batch_size(images.shape[1:], N_COMPARED)])
    try:
        content = traced_onnx(module, sample, OUTPUTS).SerializeToString()
        difference = _difference(content, module, sample)
    except Exception:  # noqa: BLE001 - whatever it is, torch's exporter may know more
        content = _by_torch(module, sample)
        difference = _difference(content, module, sample)
    write_atomic(path, lambda file: file.write(content))
    return difference


def _by_torch(module: nn.Module, sample: Tensor) -> bytes:
    """torch's own exporter knows many more operators, and takes many times as long (figures:
    docs/log.md).

    Raises:
        TrainingError: it does not support the network, either.
    """
    try:
        with _silenced_exporter():
            program = torch.onnx.export(
                module,
                (sample,),
                None,
                input_names=["images"],
                output_names=list(OUTPUTS),
                verbose=False,
                dynamic_shapes={"images": {0: torch.export.Dim("N", min=1)}},
                dynamo=True,
            )
        assert program is not None
        content: bytes = program.model_proto.SerializeToString()
    except Exception as error:
        root: BaseException = error
        while root.__cause__ is not None:
            root = root.__cause__
        reason = f"{type(root).__name__}: {_plain_line(str(root))}"
        raise TrainingError(
            f"the network cannot be exported to ONNX ({reason}); use layers that ONNX supports"
        ) from error
    return content


def _difference(content: bytes, module: nn.Module, sample: Tensor) -> float:
    """The largest absolute difference of a logit between torch and ONNX Runtime, for all images
    together and for one alone.

    Raises:
        TrainingError: the network fails, ONNX Runtime cannot run the model, or a difference exceeds
            the tolerance.
    """
    batches = [(images, _outputs(module, images)) for images in (sample, sample[:1])]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise TrainingError(
            f"ONNX Runtime cannot open the exported network ({str(error).splitlines()[0]})"
        ) from error
    return max(_compared(session, images, expected) for images, expected in batches)


def _outputs(module: nn.Module, images: Tensor) -> list[NDArray[np.float32]]:
    try:
        with torch.inference_mode():
            return [output.numpy() for output in module(images)]
    except Exception as error:
        reason = f"{type(error).__name__}: {_plain_line(str(error))}"
        raise TrainingError(
            f"the network fails for {counted(len(images), 'image')} ({reason})"
        ) from error


def _compared(session: Any, images: Tensor, expected: list[NDArray[np.float32]]) -> float:
    """The largest difference of a logit for one batch."""
    batch = counted(len(images), "image")
    try:
        actual = session.run(list(OUTPUTS), {"images": images.numpy()})
    except Exception as error:
        raise TrainingError(
            f"ONNX Runtime cannot run the exported network for {batch} "
            f"({str(error).splitlines()[0]})"
        ) from error
    differences = []
    for name, one, other in zip(OUTPUTS, actual, expected, strict=True):
        if one.shape != other.shape:
            raise TrainingError(
                f"the exported network gives {name} of shape {list(one.shape)} for {batch}, torch "
                f"{list(other.shape)}"
            )
        differences.append(float(np.abs(one - other).max()))
        if not differences[-1] <= TOLERANCE * max(1.0, float(np.abs(other).max())):
            raise TrainingError(
                f"the exported network's {name} differ from torch's by {differences[-1]:.3g}; "
                f"please report this network"
            )
    return differences[0]


def _plain_line(text: str) -> str:
    """The first line of a message, without the colours of a terminal."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).strip().splitlines()
    return lines[0] if lines else ""


@contextlib.contextmanager
def _silenced_exporter() -> Iterator[None]:
    """Suppress the exporter's output and log messages, which do not concern users."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
