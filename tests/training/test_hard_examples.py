"""Which examples an epoch learns from."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dressform.core.config import override
from dressform.data.dataset import DatasetSplits
from dressform.recipes import find_recipe
from dressform.training.fit import fit
from dressform.training.hard_examples import count_examples, select
from dressform.training.recipe import HardExamples
from tests.conftest import TINY
from tests.training.made import image_batches


@given(st.integers(1, 60), st.floats(0.01, 1), st.floats(0, 1), st.integers(0, 1000))
def test_the_hardest_and_some_others_in_the_order_given(
    n: int, fraction: float, random: float, seed: int
) -> None:
    config = HardExamples(fraction=fraction, random_fraction=random)
    generator = torch.Generator().manual_seed(seed)
    order, losses = torch.randperm(n, generator=generator), torch.rand(n, generator=generator)
    selected = select(config, order, losses, 1)
    count = count_examples(config, n, 1)
    assert len(set(selected.tolist())) == len(selected) == count
    assert [i for i in order.tolist() if i in set(selected.tolist())] == selected.tolist()
    hard = count - round(random * count)
    assert set(torch.argsort(losses, descending=True)[:hard].tolist()) <= set(selected.tolist())
    assert torch.equal(select(config, order, losses, 0), order)


def test_an_epoch_of_hard_examples_has_fewer_steps(small: DatasetSplits) -> None:
    batches = image_batches(
        small.train,
        50,
        hard_examples=HardExamples(fraction=0.25, random_fraction=0),
    )
    assert [batches.steps(epoch) for epoch in (0, 1, 2)] == [12, 3, 3]
    losses = torch.arange(600.0)
    assert sorted(
        torch.cat([examples for *_, examples in batches.epoch(1, losses)]).tolist()
    ) == list(range(450, 600))
    assert len(torch.cat([examples for *_, examples in batches.epoch(0, losses)])) == 600


def test_the_losses_are_those_that_were_seen(small: DatasetSplits) -> None:
    """Trained with a rate of almost nothing, the second epoch has the examples that the untrained
    network finds hardest.
    """
    settings = [
        *TINY,
        "optim.kind=sgd",
        "optim.lr=1e-30",
        "optim.weight_decay=0",
        "augment.alternate_flip=false",
        "label_smoothing=0",
    ]
    recipe = override(
        find_recipe("fast"),
        [*settings, "hard_examples.fraction=0.5", "hard_examples.random_fraction=0"],
    )
    whole, half = fit(recipe, small.train, None).history
    assert half.train_loss > whole.train_loss
    assert half.train_accuracy < whole.train_accuracy
    plain, again = fit(override(recipe, ["hard_examples.fraction=1"]), small.train, None).history
    assert plain.train_loss == pytest.approx(whole.train_loss, rel=1e-6)
    assert again.train_loss == pytest.approx(plain.train_loss, rel=0.05)
    assert np.isfinite(half.train_loss)
