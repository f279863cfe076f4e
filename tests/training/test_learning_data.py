"""How many examples are held out for validation."""

from dataclasses import replace

import numpy as np
import pytest

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.recipes import find_recipe
from dressform.training.learning_data import held_out, learning_data


@pytest.mark.parametrize(
    ("examples", "settings", "validation", "note"),
    [
        (600, (), 30, ""),
        (400, (), 30, "held out about 8 % of the 400 training examples for validation, since the"),
        (96, (), 19, "held out about 20 % of the 96 training examples for validation, since the"),
        (96, ("epochs=3", "validation_fraction=0.05"), 5, ""),
    ],
)
def test_few_examples_have_enough_to_choose_by(
    small: DatasetSplits, examples: int, settings: tuple[str, ...], validation: int, note: str
) -> None:
    recipe = replace(find_recipe("fast"), validation_fraction=0.05)
    found = held_out(recipe, small.train.take(np.arange(examples)), settings)
    assert found.validation is not None
    assert len(found.validation) == pytest.approx(validation, abs=2)
    assert len(found.train) + len(found.validation) == examples
    assert " ".join(found.notes).startswith(note)
    assert bool(found.notes) == bool(note)


def test_classes_without_training_examples_are_named(small: DatasetSplits) -> None:
    """Labels from 1 to 3 leave class 0 without an example, for one."""
    train = Dataset.from_arrays(small.train.images[:90], np.arange(90) % 3 + 1)
    for validation in (None, train):
        found = learning_data(find_recipe("fast"), DatasetSplits("numbers", train, validation))
        assert found.notes[-1] == "no training example has the class 0, which cannot be learned"
    assert not any("cannot" in n for n in learning_data(find_recipe("fast"), small).notes)
