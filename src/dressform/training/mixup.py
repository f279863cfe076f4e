"""Mixtures of two examples."""

import numpy as np
import torch
from torch import Tensor


def mixed(alpha: float, given: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """Mixup (H. Zhang et al. 2018, https://arxiv.org/abs/1710.09412): each example of a batch and another one of it, in parts.

    On what a frozen front gave it is manifold mixup (V. Verma et al. 2019, https://arxiv.org/abs/1806.05236).

    Args:
        alpha: of the Beta distribution of the parts; above 0.
        given: float [N, ...], pixels or features.
        random: source of the draws.

    Returns:
        float [N, ...]; positions int64 [N] of the other examples in the batch; and the part of the first, 0..1.
    """
    part = float(random.beta(alpha, alpha))
    other = torch.from_numpy(random.permutation(len(given))).to(given.device)
    return torch.lerp(given[other], given, part), other, part
