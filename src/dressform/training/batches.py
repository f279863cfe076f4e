"""Shuffled batches of a training set that lies in memory as one tensor: no loader, no workers."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from dressform.core.rng import generator as numpy_generator
from dressform.core.rng import stream_seed
from dressform.data.dataset import Dataset, inference_batch_size
from dressform.training.augment import augment_batch
from dressform.training.hard_examples import count_examples, select
from dressform.training.recipe import Augment, HardExamples

AUGMENTATION_BATCH = {"cpu": 256, "cuda": 65_536}
"""Images of 28 x 28, fewer of larger ones, that are copied out of the dataset and augmented at
once, or a batch where it has more: what stays in a processor's cache, and what keeps all of a GPU
busy and is little of its memory.
"""


class Batch(NamedTuple):
    """Examples to learn from, on the network's device.

    Attributes:
        inputs: pixels float32 [B, C, H, W] in [0, 1], channels-last in memory, or cached features.
        labels: int64 [B].
        indices: int64 [B], positions in the training set.
    """

    inputs: Tensor
    labels: Tensor
    indices: Tensor


class Inputs(Protocol):
    """Where the inputs of batches come from: augmented images, or cached features."""

    def batches(self, order: Tensor, epoch: int, batch_size: int) -> Iterator[Tensor]:
        """The inputs of one epoch, a batch at a time.

        Args:
            order: int64 [M], positions in the training set.
            epoch: counted from 0.
            batch_size: examples per batch.
        """


class AugmentedImages:
    """The images of a dataset, changed again in each epoch.

    Args:
        dataset: copied to ``device`` once, as uint8 [N, H, W, C].
        augment: random changes.
        seed: of the changes.
        device: where batches are made.
    """

    def __init__(
        self, dataset: Dataset, augment: Augment, *, seed: int, device: torch.device
    ) -> None:
        self._images = torch.tensor(dataset.images, device=device)
        self._augment, self._seed, self._device = augment, seed, device
        flip_first = numpy_generator(seed, "flip-first").random(len(dataset)) < 0.5
        self._flip_first = torch.tensor(flip_first, device=device)

    def batches(self, order: Tensor, epoch: int, batch_size: int) -> Iterator[Tensor]:
        """Pixels float32 [B, C, H, W] in [0, 1], channels-last in memory."""
        generator = torch.Generator(self._device).manual_seed(
            stream_seed(self._seed, "augment", epoch)
        )
        shape = self._images.shape[1:]
        limit = inference_batch_size(tuple(shape), AUGMENTATION_BATCH[self._device.type])
        # Small batches are augmented several at a time: for so few images the calls take the time.
        for indices in torch.split(order, max(1, limit // batch_size) * batch_size):
            augmented = augment_batch(
                self._pixels(indices),
                indices,
                self._augment,
                epoch=epoch,
                flip_first=self._flip_first,
                generator=generator,
            )
            yield from torch.split(augmented, batch_size)

    def _pixels(self, indices: Tensor) -> Tensor:
        # Whole rows: several times as fast as indexing the images.
        rows = self._images.flatten(1).index_select(0, indices)
        return rows.view(-1, *self._images.shape[1:]).permute(0, 3, 1, 2).div(255)


class Batches:
    """Shuffled batches of a training set.

    Args:
        labels: int64 [N], on the device where batches are wanted.
        inputs: where the other half of a batch comes from.
        batch_size: examples per batch; a last batch of one example is left out (batch norm needs
            two).
        seed: of the order.
        hard_examples: which examples later epochs learn from; all by default.
    """

    def __init__(
        self,
        labels: Tensor,
        inputs: Inputs,
        *,
        batch_size: int,
        seed: int,
        hard_examples: HardExamples | None = None,
    ) -> None:
        self._labels, self._inputs, self._seed = labels, inputs, seed
        self._batch_size = min(batch_size, len(labels))
        self._hard_examples = hard_examples or HardExamples()

    def steps(self, epoch: int) -> int:
        """Steps of an epoch, counted from 0."""
        examples = count_examples(self._hard_examples, len(self._labels), epoch)
        full, rest = divmod(examples, self._batch_size)
        return full + (rest > 1)

    def epoch(self, epoch: int, losses: Tensor | None = None) -> Iterator[Batch]:
        """The batches of one epoch; they depend on the seed, the epoch's number and the losses
        only.

        Args:
            epoch: counted from 0.
            losses: float32 [N], of each example when it was last seen; None selects no hard ones.
        """
        shuffled = numpy_generator(self._seed, "order", epoch).permutation(len(self._labels))
        order = torch.tensor(shuffled, device=self._labels.device)
        if losses is not None:
            order = select(self._hard_examples, order, losses, epoch)
        indices = torch.split(order, self._batch_size)[: self.steps(epoch)]
        labels = torch.split(self._labels[order], self._batch_size)
        inputs = self._inputs.batches(order, epoch, self._batch_size)
        for batch in zip(inputs, labels, indices, strict=False):
            yield Batch(*batch)
