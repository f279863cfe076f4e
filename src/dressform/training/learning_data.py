"""`LearningData`: what a recipe learns from and is validated on, and what is counted there."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.splits import hold_out
from dressform.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class LearningData:
    """A training set and its validation set.

    Attributes:
        train: to learn from.
        validation: for curves and choices, or None.
        digest: of the hold-out, or of the validation split that the data brought; empty without
            validation.
        notes: remarks for the user on the hold-out, one line each.
    """

    train: Dataset
    validation: Dataset | None
    digest: str
    notes: tuple[str, ...] = ()


def learning_data(recipe: Recipe, data: DatasetSplits) -> LearningData:
    """The data's own validation split, or what the recipe holds out of train.

    Raises:
        DataError: so few examples that nothing can be held out.
    """
    if data.validation is not None:
        return LearningData(data.train, data.validation, data.validation.digest)
    return held_out(recipe, data.train)


def held_out(recipe: Recipe, train: Dataset) -> LearningData:
    """The recipe's fraction of the training set held out for validation."""
    if recipe.validation_fraction == 0:
        return LearningData(train, None, "")
    split = hold_out(train, recipe.validation_fraction, recipe.split_seed)
    return LearningData(
        train.take(split.train_indices),
        train.take(split.held_out_indices),
        split.digest,
        split.notes,
    )


def pixel_statistics(
    dataset: Dataset,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the pixels in [0, 1], per channel, float64 [C] each.

    A flat channel gets a standard deviation of 1. Pixels are counted on ``device``.
    """
    images = torch.tensor(dataset.images, device=device)
    channels = [torch.bincount(channel.flatten(), minlength=256) for channel in images.unbind(3)]
    counts = torch.stack(channels).cpu().double()
    values = torch.arange(256, dtype=torch.float64) / 255
    fractions = counts / counts.sum(1, keepdim=True)
    mean = fractions @ values
    std = ((fractions * (values - mean[:, None]) ** 2).sum(1)).sqrt()
    return mean, torch.where(std > 0, std, torch.ones_like(std))


def class_weights(dataset: Dataset, power: float) -> Tensor:
    """Weight of an example of each class, float32 [K]: (N / (K n))^power for a class with n of the
    N examples.
    """
    counts = torch.tensor(dataset.counts).clamp_min(1)
    return (len(dataset) / (len(counts) * counts)).pow(power).float()
