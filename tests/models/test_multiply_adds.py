"""Counts by hand, layer by layer, for 28 x 28 x 1 and ten classes."""

import pytest

from dressform.models.ensemble import Ensemble
from dressform.models.fastnet import FastNet
from dressform.models.multiply_adds import count_multiply_adds
from dressform.models.network import build_network

SHAPE = (28, 28, 1)
FASTNET = (
    27 * 27 * 8 * 4  # Haar
    + 27 * 27 * 8 * 16 * 9
    + 13 * 13 * 16 * 16 * 9
    + 13 * 13 * 16 * 24 * 9
    + 6 * 6 * 24 * 24 * 9
    + 24 * 10
)
BY_HAND = {
    "simple-dense": 784 * 300 + 300 * 100 + 100 * 10,
    "baseline-cnn": 26 * 26 * 32 * 9 + 13 * 13 * 32 * 100 + 100 * 10,
    "complex1": 26 * 26 * 32 * 9  # then 13 x 13, a stride of 2, 7 x 7, pooled to 3 x 3
    + 7 * 7 * 64 * 32 * 9
    + 3 * 3 * 64 * 128
    + 128 * 256
    + 256 * 128
    + 128 * 10,
    "lenet5-rbf": 28 * 28 * 6 * 25
    + 14 * 14 * 16 * 6 * 25
    + 3 * 3 * 120 * 16 * 25
    + 3 * 3 * 120 * 84
    + 84 * 10,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_products_are_those_counted_by_hand(name: str) -> None:
    assert count_multiply_adds(build_network(name, SHAPE, 10), SHAPE) == BY_HAND[name]


def test_depthwise_convolutions_and_layers_that_run_twice() -> None:
    network = FastNet(widths=(16, 24))
    module = build_network(network, SHAPE, 10).train()
    assert count_multiply_adds(module, SHAPE) == FASTNET
    assert module.training
    ensemble = Ensemble(of=network, members=3, mirror=True)
    assert count_multiply_adds(build_network(ensemble, SHAPE, 10), SHAPE) == 6 * FASTNET
