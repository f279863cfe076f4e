"""The whole dataset as one tensor in memory, and batches cut from it: no loader, no workers."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from dressform.core.rng import generator as numpy_generator
from dressform.core.rng import stream_seed
from dressform.data.dataset import Dataset, inference_batch_size
from dressform.training.augment import augment_batch
from dressform.training.feature_cache import FeatureCache
from dressform.training.hard_examples import choose, kept
from dressform.training.recipe import Augment, HardExamples

AT_ONCE = {"cpu": 256, "cuda": 65_536}
"""Pictures of 28 x 28, fewer of larger ones, that are copied out of the dataset and changed at
once, or a batch where it has more: what stays in a processor's cache, and what keeps all of a GPU
busy and is little of its memory.
"""


class Batch(NamedTuple):
    """Examples to learn from, on the network's device.

    Attributes:
        given: pixels float32 [N, C, H, W] in [0, 1], channels-last in memory, or features of views.
        labels: int64 [N].
        examples: int64 [N], positions in the training set.
    """

    given: Tensor
    labels: Tensor
    examples: Tensor


class Batches:
    """Shuffled, augmented batches of a training set.

    Args:
        dataset: the examples; copied to ``device`` once, as uint8 [N, H, W, C].
        batch_size: examples per batch; a last batch of one example is left out (batch norm needs
            two).
        augment: random changes.
        seed: of the order and of the changes.
        device: where batches are made.
        hard_examples: which examples later epochs learn from; all by default.
        views: what a frozen backbone gave for versions of the examples, in place of their pixels.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        augment: Augment,
        *,
        seed: int,
        device: torch.device,
        hard_examples: HardExamples | None = None,
        views: FeatureCache | None = None,
    ) -> None:
        self._views = views
        self._images = (
            torch.tensor(dataset.images, device=device) if views is None else torch.empty(0)
        )
        self._labels = torch.tensor(dataset.labels, device=device)
        self._batch_size = min(batch_size, len(dataset))
        self._augment = augment
        self._focus = hard_examples or HardExamples()
        self._seed = seed
        self._device = device
        random = numpy_generator(seed, "flip-first")
        self._flip_first = torch.tensor(random.random(len(dataset)) < 0.5, device=device)

    def steps(self, epoch: int) -> int:
        """Steps of an epoch, counted from 0."""
        full, rest = divmod(kept(self._focus, len(self._labels), epoch), self._batch_size)
        return full + (rest > 1)

    def epoch(self, epoch: int, losses: Tensor | None = None) -> Iterator[Batch]:
        """The batches of one epoch; they depend on the seed, the epoch's number and the losses
        only.

        Args:
            epoch: counted from 0.
            losses: float32 [N], of each example when it was last seen; for a hard_examples.
        """
        order = torch.tensor(
            numpy_generator(self._seed, "order", epoch).permutation(len(self._labels)),
            device=self._device,
        )
        if losses is not None:
            order = choose(self._focus, order, losses, epoch)
        examples = torch.split(order, self._batch_size)[: self.steps(epoch)]
        labels = torch.split(self._labels[order], self._batch_size)
        for batch in zip(self._given(order, epoch), labels, examples, strict=False):
            yield Batch(*batch)

    def _given(self, order: Tensor, epoch: int) -> Iterator[Tensor]:
        if self._views is not None:
            versions = self._views.versions(epoch, self._seed)
            yield from (
                self._views.batch(versions, examples)
                for examples in torch.split(order, self._batch_size)
            )
            return
        generator = torch.Generator(self._device).manual_seed(
            stream_seed(self._seed, "augment", epoch)
        )
        at_once = inference_batch_size(tuple(self._images.shape[1:]), AT_ONCE[self._device.type])
        # Small batches are made several at a time: for so few pictures it is the calls that take
        # the time.
        for examples in torch.split(order, max(1, at_once // self._batch_size) * self._batch_size):
            changed = augment_batch(
                self._pixels(examples),
                examples,
                self._augment,
                epoch=epoch,
                flip_first=self._flip_first,
                generator=generator,
            )
            yield from torch.split(changed, self._batch_size)

    def _pixels(self, examples: Tensor) -> Tensor:
        # whole rows: several times as fast as by [examples]
        rows = self._images.flatten(1).index_select(0, examples)
        return rows.view(-1, *self._images.shape[1:]).permute(0, 3, 1, 2).div(255)


def pixel_statistics(
    dataset: Dataset,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the pixels in [0, 1], per channel; a flat channel gets 1.
    Counted on ``device``.
    """
    images = torch.tensor(dataset.images, device=device)
    counts = (
        torch.stack(
            [torch.bincount(channel.flatten(), minlength=256) for channel in images.unbind(3)]
        )
        .cpu()
        .double()
    )
    values = torch.arange(256, dtype=torch.float64) / 255
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ values
    std = ((share * (values - mean[:, None]) ** 2).sum(1)).sqrt()
    return mean, torch.where(std > 0, std, torch.ones_like(std))


def class_weights(dataset: Dataset, balance: float) -> Tensor:
    """Float32 [K]: how much an example of each class counts, (N / (K n))^balance where the class
    has n of the N examples.
    """
    counts = torch.tensor(dataset.counts).clamp_min(1)
    return (len(dataset) / (len(counts) * counts)).pow(balance).float()
