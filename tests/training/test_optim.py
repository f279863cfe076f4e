import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from dressform.training.optim import make_optimizer
from dressform.training.recipe import Optim


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_sgd_steps_as_torchs_does(nesterov: bool, momentum: float, weight_decay: float) -> None:
    if nesterov and not momentum:
        pytest.skip("Nesterov momentum needs a momentum")
    ours, theirs = _network(), _network()
    config = Optim(
        kind="sgd", lr=0.05, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
    )
    optimizer = make_optimizer(ours, config)
    groups = [
        {"params": [p for p in theirs.parameters() if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in theirs.parameters() if p.ndim < 2]},
    ]
    reference = torch.optim.SGD(groups, lr=0.05, momentum=momentum, nesterov=nesterov)
    for step in range(4):
        images, labels = torch.randn(8, 1, 8, 8), torch.randint(0, 3, (8,))
        for network in (ours, theirs):
            network.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
        if step == 1:  # a parameter without a gradient stays as it is
            ours.get_parameter("0.bias").grad = theirs.get_parameter("0.bias").grad = None
        optimizer.step()
        optimizer.zero_grad()
        reference.step()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert a.grad is None
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "nadam", "muon"])
def test_a_lean_step_is_torchs_and_the_state_can_be_kept(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Optim(kind=kind, lr=0.01)
    first = _network()
    optimizer = make_optimizer(first, config)
    images, labels = torch.randn(8, 1, 8, 8), torch.randint(0, 3, (8,))

    def learn(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
        assert all(p.grad is None for p in network.parameters())

    learn(first, optimizer)
    second = copy.deepcopy(first)
    monkeypatch.setattr("dressform.kernels.optimizers.enabled", lambda name: False)
    other = make_optimizer(second, config)
    assert hasattr(type(optimizer).step, "hooked")
    assert type(other) is not type(optimizer)
    state = copy.deepcopy(optimizer.state_dict()["state"])
    other.load_state_dict({"state": state, "param_groups": other.state_dict()["param_groups"]})
    for _ in range(2):
        learn(first, optimizer)
        learn(second, other)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def test_training_does_not_import_torchs_compiler(tmp_path: Path) -> None:
    """It takes a second, and nothing of it is used."""
    code = """
import sys, pathlib, numpy as np, dressform
from dataclasses import replace
from dressform.recipes import find_recipe
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit
images = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1)).astype(np.uint8)
ids = np.array([f"{i:02}" for i in range(40)])
data = dressform.Dataset(images, np.arange(40) % 10, ids, tuple("abcdefghij"))
for name in ("fast", "baseline-cnn"):
    recipe = replace(find_recipe(name), epochs=1, batch_size=20)
    fit(recipe, data, None, files=TrainingFiles(checkpoint=pathlib.Path(sys.argv[1]) / name))
assert "torch._dynamo" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "nadam", "muon"])
def test_parameters_without_gradients_stay_as_they_are(kind: Any) -> None:
    """Of a network that does not use them: here all those without weight decay."""
    network = nn.Linear(3, 2)
    before = network.bias.detach().clone()
    optimizer = make_optimizer(network, Optim(kind=kind, weight_decay=0.001))
    (torch.ones(1, 3) @ network.weight.T).sum().backward()
    optimizer.step()
    assert torch.equal(network.bias, before)
