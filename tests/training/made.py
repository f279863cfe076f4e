"""Batches of a dataset's images, as a training makes them."""

import torch

from dressform.data.dataset import Dataset
from dressform.training.batches import AugmentedImages, Batches
from dressform.training.recipe import Augment, HardExamples


def image_batches(
    dataset: Dataset,
    batch_size: int,
    augment: Augment | None = None,
    *,
    seed: int = 0,
    hard_examples: HardExamples | None = None,
) -> Batches:
    inputs = AugmentedImages(dataset, augment or Augment(), seed=seed, device=torch.device("cpu"))
    return Batches(
        torch.tensor(dataset.labels),
        inputs,
        batch_size=batch_size,
        seed=seed,
        hard_examples=hard_examples,
    )
