from dataclasses import replace

import numpy as np
import pytest
import torch

from dressform.core.config import override
from dressform.core.errors import ConfigError
from dressform.data.dataset import DatasetSplits
from dressform.models.ensemble import Ensemble, Members
from dressform.models.fastnet import FastNet
from dressform.models.network import Classifier, build_network
from dressform.recipes import find_recipe
from dressform.training.fit import fit

SMALL = FastNet(widths=(4, 8))


def test_logits_are_the_mean_of_members_that_differ() -> None:
    network = build_network(Ensemble(of=SMALL, members=3), (28, 28, 1), 10).eval()
    assert isinstance(network, Members)
    images = torch.rand(5, 1, 28, 28)
    member_logits = network.member_logits(images)
    assert len(member_logits) == 3
    assert not torch.equal(member_logits[0], member_logits[1])
    torch.testing.assert_close(network(images), sum(member_logits) / 3)
    whole = Classifier(network, torch.tensor([0.3]), torch.tensor([0.5]))
    torch.testing.assert_close(whole(images), torch.stack(whole.member_logits(images)).mean(0))


def test_mirror_images_count_in_evaluation_only() -> None:
    network = build_network(Ensemble(of=SMALL, members=2, mirror=True), (28, 28, 1), 10)
    assert isinstance(network, Members)
    images = torch.rand(5, 1, 28, 28)
    network.eval()
    torch.testing.assert_close(network(images), network(images.flip(3)))
    torch.testing.assert_close(
        network(images),
        sum((*network.member_logits(images), *network.member_logits(images.flip(3)))) / 4,
    )
    network.train()
    assert not torch.allclose(network(images), network(images.flip(3)))


def test_an_ensemble_of_one_is_the_network_itself(small: DatasetSplits) -> None:
    alone = replace(find_recipe("fast"), model=SMALL, epochs=2, batch_size=50)
    train = small.train.take(np.arange(100))
    found = [
        fit(replace(alone, model=model), train, None).history
        for model in (SMALL, Ensemble(of=SMALL, members=1))
    ]
    assert [row.train_loss for row in found[0]] == [row.train_loss for row in found[1]]


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_each_member_learns_as_if_it_were_alone(share: float, small: DatasetSplits) -> None:
    train = small.train.take(np.arange(64))
    recipe = replace(
        find_recipe("fast"),
        model=Ensemble(of=SMALL, members=2),
        epochs=1,
        batch_size=64,
        precision="float32",
    )
    recipe = override(
        recipe,
        [
            "optim.kind=sgd",
            "optim.lr=0.1",
            "optim.weight_decay=0",
            "schedule.kind=constant",
            "schedule.warmup=0",
            f"hard_examples.fraction={share}",
        ],
    )
    network = build_network(recipe.model, train.shape, 10)
    assert isinstance(network, Members)
    trained = fit(recipe, train, None).network
    assert isinstance(trained, Classifier)
    assert isinstance(trained.network, Members)
    for before, after in zip(network.members, trained.network.members, strict=True):
        alone = fit(replace(recipe, model=lambda shape, classes, b=before: b), train, None).network
        for name, value in alone.state_dict().items():
            if name.startswith("network."):
                ours = after.state_dict()[name.removeprefix("network.")]
                torch.testing.assert_close(ours, value, rtol=1e-4, atol=1e-6)


def test_no_members_are_refused_and_settings_reach_the_members() -> None:
    with pytest.raises(ConfigError, match=r"model.members is 0; allowed: 1 to 100"):
        Ensemble(members=0)
    recipe = override(find_recipe("fast-95"), ["model.members=3", "model.of.widths=8,16"])
    assert (recipe.model.members, recipe.model.of.widths) == (3, (8, 16))
