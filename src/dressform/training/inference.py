"""Logits of a network for a dataset."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.data.dataset import Dataset, inference_batch_size

CHUNK = {"cpu": 200, "cuda": 4096}
"""Images of 28 x 28 at a time, fewer of larger ones; on a processor as fast as 1,000, in a fifth
of the memory.
"""


@torch.inference_mode()
def logits_of(
    network: nn.Module,
    dataset: Dataset,
    *,
    device: torch.device,
    precision: torch.dtype = torch.float32,
) -> NDArray[np.float32]:
    """Float32 logits [N, K], without augmentation, network in evaluation mode.

    Args:
        network: takes float [N, C, H, W] in [0, 1].
        dataset: N examples.
        device: where the network is.
        precision: bfloat16 uses autocast.
    """
    network.eval()
    parts: list[Tensor] = []
    chunk = inference_batch_size(dataset.shape, CHUNK[device.type])
    for start in range(0, len(dataset), chunk):
        images = torch.tensor(dataset.images[start : start + chunk], device=device)
        pixels = images.permute(0, 3, 1, 2).float().div_(255)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            parts.append(network(pixels).float().cpu())
    return torch.cat(parts).numpy()
