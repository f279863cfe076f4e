"""How many examples are held out for validation."""

from dataclasses import replace

import numpy as np
import pytest

from dressform.data.dataset import DatasetSplits
from dressform.recipes import find_recipe
from dressform.training.learning_data import held_out


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
