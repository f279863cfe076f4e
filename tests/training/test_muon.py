import numpy as np
import pytest
import torch
from torch import nn

from dressform.training.muon import Muon, orthogonal
from dressform.training.optim import make_optimizer
from dressform.training.recipe import Optim


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_singular_values_move_towards_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, s, v = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    found = orthogonal(matrix, 5)
    values = np.linalg.svd(found.double().numpy(), compute_uv=False)
    assert 0.6 < values.min() <= values.max() < 1.25
    assert s.max() / s.min() > values.max() / values.min()
    # Singular vectors stay: the result is diagonal in the basis of the matrix's own.
    inside = u.T @ found.double().numpy() @ v.T
    np.testing.assert_allclose(inside - np.diag(np.diag(inside)), 0, atol=1e-4)


def test_filters_keep_their_norm_and_the_rest_is_sgd_with_nesterov_momentum() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 2)
    )
    other = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 2))
    other.load_state_dict(network.state_dict())
    config = Optim(
        kind="muon", lr=0.1, momentum=0.6, weight_decay=1e-3, sgd_lr=0.05, sgd_momentum=0.8
    )
    muon = make_optimizer(network, config)
    assert isinstance(muon, Muon)
    sgd = torch.optim.SGD(
        [
            {"params": [other[3].weight], "weight_decay": 1e-3},
            {"params": [other[0].bias, other[1].weight, other[1].bias, other[3].bias]},
        ],
        lr=0.05,
        momentum=0.8,
        nesterov=True,
    )
    images, labels = torch.randn(16, 3, 8, 8), torch.randint(0, 2, (16,))
    for _ in range(3):
        for net, optimizer in ((network, muon), (other, sgd)):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images), labels).backward()
            optimizer.step()
        other[0].load_state_dict(network[0].state_dict() | {"bias": other[0].bias})
        for name, p in network.named_parameters():
            if name != "0.weight":
                torch.testing.assert_close(p, other.get_parameter(name))
    assert network.get_parameter("0.weight").norm().item() == pytest.approx(8**0.5, rel=0.5)
    assert set(muon.state_dict()["state"]) == set(range(6))
