"""Every network that has a name keeps the contract; nothing to add here when one is added."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from dressform.core.errors import ConfigError, UnknownNameError
from dressform.kernels.dropout import Dropout
from dressform.models import MODELS
from dressform.models.lenet5 import RadialBasis
from dressform.models.network import (
    _warn_of_probabilities,
    build_model,
    build_network,
    count_parameters,
)

TUTORIALS = {
    "minivggnet": 1_679_082,
    "baseline-cnn": 542_230,
    "baseline-cnn-same": 628_630,
    "baseline-cnn-same-64": 1_256_150,
    "simple-dense": 266_610,
    "cnn1": 65_994,
    "cnn2": 896_906,
    # 142,346 with a dense output, less its 850 numbers, plus 10 centres of 84
    "lenet5-rbf": 142_336,
    "lenet5-relu": 142_346,
    "first-cnn": 693_962,
    "complex1": 159_882,
    "conv1": 693_962,
    "conv3": 241_546,
    "conv4": 1_217_962,
}
OURS = {
    "complex2": 390_314,
    "fastnet": 291_104,
    "fastnet-ensemble": 873_312,
    "efficientnet-lite0": 3_425_834,
    "wide-resnet": 2_752_218,
    "vgg19": 24_224_330,
}


def test_every_network_has_a_golden_size() -> None:
    assert {name: count_parameters(build_model(name)) for name in MODELS.names} == TUTORIALS | OURS


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize(
    ("shape", "classes"),
    [((28, 28, 1), 10), ((33, 17, 3), 5), ((8, 8, 1), 3), ((64, 48, 3), 200), ((1, 1, 1), 2)],
)
def test_any_shape_and_class_count(name: str, shape: tuple[int, int, int], classes: int) -> None:
    network = build_model(name, shape=shape, classes=classes)
    pixels = torch.rand(2, shape[2], shape[0], shape[1])
    logits = network(pixels)
    assert logits.shape == (2, classes)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", MODELS.names)
def test_every_trained_parameter_gets_a_gradient(name: str) -> None:
    network = build_model(name)
    pixels = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    nn.functional.cross_entropy(network(pixels), torch.arange(10)).backward()
    for parameter_name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, parameter_name
            assert torch.isfinite(parameter.grad).all(), parameter_name
            assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("name", MODELS.names)
def test_weights_are_saved_and_loaded_unchanged(name: str) -> None:
    first, second = build_model(name, seed=0).eval(), build_model(name, seed=1).eval()
    pixels = torch.rand(1, 1, 28, 28)
    expected = first(pixels)
    assert not torch.equal(expected, second(pixels))
    second.load_state_dict(safetensors.torch.load(safetensors.torch.save(first.state_dict())))
    assert torch.equal(expected, second(pixels))


@pytest.mark.parametrize("name", MODELS.names)
def test_channels_first_and_last_give_the_same_logits(name: str) -> None:
    shape = (28, 24, 3)
    first = build_model(name, shape=shape, layout="channels-first").eval()
    last = build_model(name, shape=shape, layout="channels-last").eval()
    pixels = torch.rand(2, *shape)
    assert torch.equal(last(pixels), first(pixels.permute(0, 3, 1, 2)))


def test_weights_depend_on_the_seed_alone_and_leave_torchs_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = build_model("minivggnet", seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(10)
    second = build_model("minivggnet", seed=3)
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_radial_basis_logits_are_the_logarithm_of_the_tutorials_activation() -> None:
    layer = RadialBasis(84, 10, 0.5)
    features = torch.rand(7, 84, dtype=torch.float32) * 0.2
    activation = torch.exp(-0.5 * ((features[:, None] - layer.centres) ** 2).sum(2))
    assert torch.allclose(layer(features), activation.log(), atol=1e-5)
    # Keras: log of the activations, then softmax cross-entropy, which normalises them.
    labels = torch.arange(7)
    by_hand = -(activation / activation.sum(1, keepdim=True))[torch.arange(7), labels].log().mean()
    assert torch.allclose(nn.functional.cross_entropy(layer(features), labels), by_hand, atol=1e-6)


def test_radial_basis_stays_in_float32_under_autocast() -> None:
    layer = RadialBasis(84, 10, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.rand(2, 84)).dtype == torch.float32


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(400, 8, 10, 10).contiguous(memory_format=torch.channels_last).requires_grad_()
    for rate in (0.2, 0.25, 0.5):
        out = Dropout(rate)(x)
        # 5 standard deviations
        assert (out == 0).float().mean().item() == pytest.approx(rate, abs=0.004)
        assert out.mean().item() == pytest.approx(1, abs=0.01)
        (gradient,) = torch.autograd.grad(out.sum(), x)
        assert torch.equal(gradient, out.detach())
    assert torch.equal(Dropout(0.5).eval()(x), x)


@dataclass(frozen=True, kw_only=True)
class _Wrong:
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes + 1))


class _Pair(nn.Sequential):
    """Returns features beside the logits."""

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return _Pair(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))

    def forward(self, images: torch.Tensor) -> Any:
        return super().forward(images), images


def _cases() -> Iterator[tuple[object, str]]:
    yield "minivgnet", "unknown model 'minivgnet'; did you mean minivggnet"
    yield _Pair(), r"the network gives a tuple for 2 images; expected a tensor \[2, 10\], one logit"
    yield _Wrong(), r"the network gives \[2, 11\] for 2 images; expected \[2, 10\]"
    yield lambda shape, classes: io.BytesIO(), "returned BytesIO; it must give a torch.nn.Module"
    yield lambda shape, classes: nn.Linear(3, classes), "the network fails on images 28 x 28 x 1"


@pytest.mark.parametrize(("network", "message"), list(_cases()))
def test_what_is_no_network_is_refused(network: object, message: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        build_network(network, (28, 28, 1), 10)


def test_a_softmax_at_the_end_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Training takes logits, so it would be applied twice."""
    for activation, expected in ((nn.Softmax(1), 1), (nn.LogSoftmax(1), 0), (nn.Identity(), 0)):
        _warn_of_probabilities.cache_clear()
        caplog.clear()
        for _ in range(2):
            layers = [nn.Flatten(), nn.Linear(784, 10), activation]
            build_network(lambda shape, classes: nn.Sequential(*layers), (28, 28, 1), 10)  # noqa: B023
        assert caplog.text.count("the network gives probabilities") == expected


def test_unknown_layout() -> None:
    with pytest.raises(
        ConfigError, match="layout is 'NCHW'; allowed: channels-first, channels-last"
    ):
        build_model("cnn1", layout="NCHW")
