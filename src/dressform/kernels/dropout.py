"""Dropout whose mask is cheap to draw on a processor."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.kernels.switch import enabled


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) whose mask takes 16 random bits per element.

    torch draws a float per element on one core. On CUDA this is torch's own dropout.

    Args:
        rate: probability of zero, used to the nearest 1 / 65536.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Zero elements at random and divide the others by 1 - rate while training; else ``x``."""
        if not self.training or self.rate == 0:
            return x
        if x.device.type != "cpu" or not enabled("dropout"):
            return F.dropout(x, self.rate)
        count = x.numel()
        words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        keep = words.view(torch.int16)[:count] >= round(self.rate * 65536) - 32768
        mask = torch.empty_like(x)
        torch.mul(keep, 1 / (1 - self.rate), out=mask.as_strided((count,), (1,)))
        return x * mask

    def extra_repr(self) -> str:
        """For ``print(network)``."""
        return f"rate={self.rate}"
