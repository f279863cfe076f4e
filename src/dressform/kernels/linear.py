"""Few rows stay in float32 under autocast: turning weights into bfloat16 takes longer than the
product saves.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.kernels.switch import enabled

MIN_BFLOAT16_BATCH = 100
"""Rows from which a dense layer and the convolution of one channel are faster in bfloat16."""


def prefers_float32(batch: Tensor) -> bool:
    """Whether autocast would compute [N, ...] in bfloat16, on a processor, where float32 is
    faster.
    """
    # Autocast is asked first: an export, which has none, would fix the batch size that it sees.
    return (
        torch.is_autocast_enabled("cpu")
        and batch.device.type == "cpu"
        and len(batch) < MIN_BFLOAT16_BATCH
        and enabled("float32-small-batches")
    )


def in_float32(compute: Callable[[], Tensor]) -> Tensor:
    """The same as ``with torch.autocast("cpu", enabled=False)``, without what that context costs a
    small layer.
    """
    autocast = torch.is_autocast_enabled("cpu")
    torch.set_autocast_enabled("cpu", False)
    try:
        return compute()
    finally:
        torch.set_autocast_enabled("cpu", autocast)


class Linear(nn.Linear):
    """A dense layer that stays in float32 for small batches on a processor; otherwise
    :class:`torch.nn.Linear`.
    """

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        if prefers_float32(features):
            return in_float32(lambda: F.linear(features.float(), self.weight, self.bias))
        return super().forward(features)
