"""`FeatureCache`: what a frozen backbone computes for several versions of each image, once."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dressform.core.rng import generator
from dressform.models.network import Classifier

HEAD_BATCH = 32
"""Features at a time, for the head."""


class FeatureCache:
    """Features of several versions of N images, kept on the GPU if they fill less than half of
    its free memory.

    Args:
        features: float16 [V, N, ...], version 0 being the images as they are; maps have their
            channels last.
        device: where batches are wanted.
        seed: of the order in which epochs see versions.
    """

    def __init__(
        self, features: NDArray[np.float16], device: torch.device, *, seed: int = 0
    ) -> None:
        self._device, self._seed = device, seed
        fit = device.type == "cuda" and features.nbytes < torch.cuda.mem_get_info(device)[0] / 2
        self._features = torch.from_numpy(features).to(device if fit else "cpu")

    def batches(self, order: Tensor, epoch: int, batch_size: int) -> Iterator[Tensor]:
        """The features of one epoch, a batch at a time
        (:class:`dressform.training.batches.Inputs`).

        Args:
            order: int64 [M], positions of images.
            epoch: counted from 0; decides which version of each image is taken.
            batch_size: examples per batch.
        """
        versions = self.versions(epoch)
        for indices in torch.split(order, batch_size):
            yield self.batch(versions, indices)

    def versions(self, epoch: int) -> Tensor:
        """The version of each image that an epoch sees, int64 [N]; each version once in as many
        epochs as there are versions.
        """
        count, images = self._features.shape[:2]
        numbers = np.tile(np.arange(count), (images, 1))
        orders = generator(self._seed, "version", epoch // count).permuted(numbers, axis=1)
        return torch.tensor(orders[:, epoch % count], device=self._features.device)

    def batch(self, versions: Tensor, indices: Tensor) -> Tensor:
        """Float32 features [B, ...]; maps are [B, C, H, W], channels-last in memory.

        Args:
            versions: int64 [N], of every image, 0 being the image as it is.
            indices: int64 [B], positions of images.
        """
        indices = indices.to(self._features.device)
        features = self._features[versions[indices], indices].to(self._device).float()
        return features.permute(0, 3, 1, 2) if features.ndim == 4 else features

    def logits(self, network: Classifier) -> NDArray[np.float32]:
        """The head's logits for the images as they are, float32 [N, K]."""
        network.eval()
        plain = torch.zeros(
            self._features.shape[1], dtype=torch.int64, device=self._features.device
        )
        with torch.inference_mode():
            every = torch.arange(len(plain), device=plain.device)
            parts = [
                network.head(self.batch(plain, indices)).cpu()
                for indices in torch.split(every, HEAD_BATCH)
            ]
        return torch.cat(parts).numpy()
