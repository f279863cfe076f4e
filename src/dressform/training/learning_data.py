"""`LearningData`: what a recipe learns from and is validated on, and what is counted there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dressform.data.contents import such_as
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.splits import hold_out
from dressform.training.recipe import Recipe

MIN_VALIDATION, MAX_FRACTION = 30, 0.2
"""Examples that are held out at least, as long as they are no larger fraction of all: with fewer,
chance decides which epoch or run is the best.
"""


@dataclass(frozen=True, eq=False)
class LearningData:
    """A training set and its validation set.

    Attributes:
        train: to learn from.
        validation: for curves and choices, or None.
        digest: of the hold-out, or of the validation split that the data brought; empty without
            validation.
        notes: remarks for the user on the hold-out and on what cannot be learned, one line each.
    """

    train: Dataset
    validation: Dataset | None
    digest: str
    notes: tuple[str, ...] = ()


def learning_data(
    recipe: Recipe, data: DatasetSplits, settings: Sequence[str] = ()
) -> LearningData:
    """The data's own validation split, or what is held out of train; see :func:`held_out`.

    Raises:
        DataError: so few examples that nothing can be held out.
    """
    empty = [n for n, count in zip(data.class_names, data.train.counts, strict=True) if not count]
    notes = [f"no training example has the class {such_as(empty)}, which cannot be learned"]
    if data.validation is not None:
        learning = LearningData(data.train, data.validation, data.validation.digest)
    else:
        learning = held_out(recipe, data.train, settings)
    return replace(learning, notes=(*learning.notes, *(notes if empty else [])))


def held_out(recipe: Recipe, train: Dataset, settings: Sequence[str] = ()) -> LearningData:
    """The recipe's fraction of the training set held out for validation; of few examples more, so
    that there is something to choose by.

    Args:
        recipe: how to train.
        train: what is divided.
        settings: that the user changed; a fraction among them is taken as it is.

    Raises:
        DataError: so few examples that nothing can be held out.
    """
    fraction = recipe.validation_fraction
    if fraction == 0:
        return LearningData(train, None, "")
    notes = list[str]()
    chosen = any(setting.startswith("validation_fraction=") for setting in settings)
    if not chosen and (more := min(MAX_FRACTION, MIN_VALIDATION / len(train))) > fraction:
        fraction = more
        notes.append(
            f"held out about {round(100 * fraction)} % of the {len(train):,} training examples for "
            f"validation, since the recipe's {100 * recipe.validation_fraction:g} % would be too "
            f"few to choose by; settings=['validation_fraction=…'] sets it"
        )
    split = hold_out(train, fraction, recipe.split_seed)
    return LearningData(
        train.take(split.train_indices),
        train.take(split.held_out_indices),
        split.digest,
        (*notes, *split.notes),
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
