"""What a recipe learns from and what it is validated on."""

from dataclasses import dataclass

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
    """

    train: Dataset
    validation: Dataset | None
    digest: str


def learning_data(recipe: Recipe, data: DatasetSplits) -> LearningData:
    """The data's own validation split, or what the recipe holds out of train.

    Raises:
        DataError: so few examples that nothing can be held out.
    """
    if data.validation is not None:
        return LearningData(data.train, data.validation, data.validation.digest)
    return held_out(recipe, data.train)


def held_out(recipe: Recipe, train: Dataset) -> LearningData:
    """The recipe's share of the training set held out for validation."""
    if recipe.validation_fraction == 0:
        return LearningData(train, None, "")
    split = hold_out(train, recipe.validation_fraction, recipe.split_seed)
    return LearningData(
        train.take(split.train_indices), train.take(split.held_out_indices), split.digest
    )
