"""Networks that do not learn, run by ONNX Runtime."""

from collections.abc import Callable

import torch
from torch import Tensor


def runtime_forward(content: bytes) -> Callable[[Tensor], Tensor]:
    """What an ONNX graph with one input ``images`` and one output computes, in one thread.

    ONNX Runtime folds batch norms and activations into convolutions, and its depthwise convolutions
    are several times as fast as torch's in float32 (figures: docs/log.md).

    Args:
        content: the graph.

    Returns:
        a function of float32 [N, ...] on the CPU, which may be called in several threads at a time.
    """
    import onnxruntime  # imported here, since most recipes have no frozen backbone

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def forward(images: Tensor) -> Tensor:
        (computed,) = session.run(None, {"images": images.contiguous().numpy()})
        return torch.from_numpy(computed)

    return forward
