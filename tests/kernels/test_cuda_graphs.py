"""A recorded step learns what the plain step learns. On a GPU: tests/gpu."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import nadam

from dressform.core.config import override
from dressform.data.dataset import DatasetSplits
from dressform.kernels.cuda_graphs import WARM_UP, CudaGraphs
from dressform.recipes import find_recipe
from dressform.training import fit as loop
from dressform.training import step as steps
from dressform.training.fit import fit
from dressform.training.optim import make_optimizer
from tests.conftest import TINY
from tests.kernels.recorded import Recording, without_cuda  # noqa: F401

pytestmark = pytest.mark.usefixtures("without_cuda")

RECIPES = {
    "muon": [],
    "sgd": ["optim.kind=sgd", "optim.lr=0.05", "optim.weight_decay=0.001"],
    "adam": ["optim.kind=adam", "optim.lr=0.01"],
    "adamw": ["optim.kind=adamw", "optim.lr=0.01", "optim.weight_decay=0.1"],
    "nadam": ["optim.kind=nadam", "optim.lr=0.01"],
    "average": ["ema.decay=0.9", "ema.start=0.4"],
    "resize": ["progressive_resizing.start=0.6"],
    "hard examples": ["hard_examples.fraction=0.5"],
    "rare classes": ["class_weight_power=0.5"],
    "augmented": ["augment.shift=0.1", "augment.erase=0.5", "augment.crop=2"],
}


@pytest.mark.parametrize("variant", RECIPES)
def test_a_recorded_training_is_the_plain_one(
    variant: str,
    small: DatasetSplits,
    monkeypatch: pytest.MonkeyPatch,
    without_cuda: list[Recording],  # noqa: F811
) -> None:
    recipe = override(find_recipe("fast"), [*TINY, "epochs=4", "batch_size=64", *RECIPES[variant]])
    halves = small.train.take(np.arange(500)), small.train.take(np.arange(500, 600))

    def on_gpu(network: torch.nn.Module, config: object) -> torch.optim.Optimizer:
        optimizer = make_optimizer(network, config)
        for group in optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"])
            group["capturable"] = True
        return optimizer

    monkeypatch.setattr(nadam, "_get_capturable_supported_devices", lambda: ["cpu"])

    monkeypatch.setattr(loop, "make_optimizer", on_gpu)
    plain = fit(recipe, *halves, seed=1)
    made = steps.Step.__init__

    def recording(self: steps.Step, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)
        self.graphs = CudaGraphs(self._learn)

    monkeypatch.setattr(steps.Step, "__init__", recording)
    recorded = fit(recipe, *halves, seed=1)
    assert without_cuda
    assert max(len(graph.calls) for graph in without_cuda) > 50
    for name, weights in plain.last.items():
        assert torch.allclose(weights.float(), recorded.last[name].float(), rtol=1e-4, atol=1e-5), (
            name
        )
    assert [row.train_loss for row in recorded.history] == pytest.approx(
        [row.train_loss for row in plain.history], rel=1e-4
    )


def test_a_case_for_each_shape_and_number() -> None:
    calls = []

    def twice(x: Tensor, factor: float) -> tuple[Tensor, ...]:
        calls.append(factor)
        return (x * factor,)

    graphs = CudaGraphs(twice)
    for factor in (2.0, 3.0):
        for size in (4, 5):
            for i in range(WARM_UP + 4):
                x = torch.full((size,), float(i))
                given, again = graphs(x, factor)[0], graphs(x + 1, factor)[0]
                # the caller's own, not what a later replay writes
                assert given.tolist() == [factor * i] * size
                assert again.tolist() == [factor * (i + 1)] * size
    assert len(calls) == 4 * (WARM_UP + 1)


def test_a_rate_in_a_python_number_would_be_noticed(small: DatasetSplits) -> None:
    """The stand-in for CUDA graphs does what it is for."""
    weight, rate = torch.zeros(3), [1.0]

    def learn(x: Tensor) -> tuple[Tensor, ...]:
        weight.add_(x, alpha=rate[0])
        return (weight.sum(),)

    graphs = CudaGraphs(learn)
    for _ in range(WARM_UP + 1):
        graphs(torch.ones(3))
    rate[0] = 100.0
    graphs(torch.ones(3))
    assert weight.tolist() == [WARM_UP + 2.0] * 3
