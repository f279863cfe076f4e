from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dressform.core.config import digest
from dressform.core.errors import ConfigError
from dressform.data.dataset import DatasetSplits
from dressform.recipes import find_recipe
from dressform.training import fit as loop
from dressform.training.checkpoint import State
from dressform.training.fit import fit
from dressform.training.mixup import mixed


def test_each_example_is_mixed_with_another_of_the_batch() -> None:
    given = torch.rand(50, 2, 3, 3)
    found, other, part = mixed(0.4, given, np.random.default_rng(0))
    assert 0 <= part <= 1
    assert sorted(other.tolist()) == list(range(50))
    torch.testing.assert_close(found, part * given + (1 - part) * given[other])
    again, _, _ = mixed(0.4, given, np.random.default_rng(0))
    assert torch.equal(found, again)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("members", [1, 3])
def test_the_loss_is_that_of_mixed_targets(members: int, weighted: bool) -> None:
    torch.manual_seed(0)
    votes = [torch.randn(6, 4) for _ in range(members)]
    first, second = torch.tensor([0, 1, 2, 3, 0, 1]), torch.tensor([1, 1, 0, 2, 3, 3])
    weights = torch.tensor([0.5, 1.0, 2.0, 1.5]) if weighted else None
    recipe = replace(find_recipe("fast"), label_smoothing=0.0)
    state = State(torch.nn.Identity(), torch.optim.SGD([torch.zeros(1)], lr=1.0), "float32", None, None)
    found = loop._loss(recipe, state, votes, [(first, 0.7), (second, 0.3)], torch.arange(6), weights)
    targets = 0.7 * F.one_hot(first, 4) + 0.3 * F.one_hot(second, 4)
    if weights is None:
        wanted = sum(F.cross_entropy(vote, targets) for vote in votes) / members
    else:
        scale = (targets * weights).sum()
        wanted = sum(-(targets * weights * F.log_softmax(vote, 1)).sum() for vote in votes) / members / scale
    torch.testing.assert_close(found, wanted)


def test_a_training_with_mixtures_is_repeatable_and_another_one(small: DatasetSplits) -> None:
    train = small.train.take(np.arange(80))
    plain = replace(find_recipe("cnn1"), epochs=2, batch_size=20)
    recipe = replace(plain, mixup=0.3)
    one, two, other = (fit(r, train, None).history[-1].train_loss for r in (recipe, recipe, plain))
    assert one == two != other
    assert digest(recipe) != digest(plain) == digest(replace(plain, mixup=0.0))
    with pytest.raises(ConfigError, match="mixup is -1.0; allowed: 0 to 100"):
        replace(plain, mixup=-1.0)
