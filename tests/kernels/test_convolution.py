"""The layers that several families share give what torch's own give, only sooner."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.kernels.convolution import Conv3x3, PooledConv, side_by_side
from dressform.kernels.linear import MIN_BFLOAT16_BATCH, Linear
from dressform.models.layered import Conv, Drop, Layered, Pool
from dressform.models.network import build_network
from dressform.recipes import find_recipe


def plain(conv: PooledConv, pictures: Tensor) -> Tensor:
    convolved = F.conv2d(pictures, conv.weight, conv.bias, conv.stride, conv.padding)
    return F.max_pool2d(convolved, conv.pool)


def learned(given: Tensor, conv: PooledConv) -> list[Tensor]:
    """What it gave, and the gradients of a loss that weighs each number differently."""
    assert conv.bias is not None
    loss = (given * torch.linspace(-1, 1, given.numel()).view(given.shape)).sum()
    return [given, *torch.autograd.grad(loss, [conv.weight, conv.bias])]


@pytest.mark.parametrize(
    "settings", [{}, {"padding": "same"}, {"padding": 1, "stride": 2}, {"pool": 3}]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_pooled_conv_learns_as_convolution_and_pooling(
    channels: int, settings: dict[str, int | str]
) -> None:
    torch.manual_seed(0)
    conv = PooledConv(channels, 8, **settings)
    assert conv.bias is not None
    nn.init.normal_(conv.bias)
    pictures = torch.randn(5, channels, 20, 17).contiguous(memory_format=torch.channels_last)
    for ours, theirs in zip(
        learned(conv(pictures), conv), learned(plain(conv, pictures), conv), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    conv.eval()
    assert torch.equal(conv(pictures), plain(conv, pictures))


@pytest.mark.parametrize(
    ("channels", "examples", "training", "expected"),
    [
        (1, MIN_BFLOAT16_BATCH - 1, True, torch.float32),
        (1, MIN_BFLOAT16_BATCH, True, torch.bfloat16),
        (3, MIN_BFLOAT16_BATCH - 1, True, torch.bfloat16),
        (1, MIN_BFLOAT16_BATCH - 1, False, torch.bfloat16),
    ],
)
def test_few_pictures_of_one_channel_stay_in_float32(
    channels: int, examples: int, training: bool, expected: torch.dtype
) -> None:
    conv = PooledConv(channels, 4).train(training)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        given = conv(torch.rand(examples, channels, 8, 8))
        assert torch.is_autocast_enabled("cpu")
    assert given.dtype == expected


def backward(
    conv: nn.Module, pictures: Tensor, kind: torch.dtype = torch.bfloat16
) -> tuple[Tensor, list[Tensor | None]]:
    """What it gave, and the gradients of a loss that weighs each number differently."""
    given = pictures.detach().clone().requires_grad_()
    conv.zero_grad()
    with torch.autocast("cpu", dtype=kind, enabled=kind != torch.float32):
        answer: Tensor = conv(given)
    (answer * torch.linspace(-1, 1, answer.numel()).view(answer.shape)).sum().backward()
    return answer, [given.grad, *(p.grad for p in conv.parameters())]


def is_laid_out(answer: Tensor) -> bool:
    return "_LaidOut" in str(answer.grad_fn)


@pytest.mark.parametrize(
    ("side", "amx", "laid_out"),
    [(3, True, True), (10, True, True), (11, True, False), (3, False, False)],
)
@pytest.mark.parametrize("examples", [1, 2, 50, 57])
@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_a_convolution_of_small_features_learns_as_torchs_in_float32(
    side: int,
    amx: bool,
    laid_out: bool,
    examples: int,
    memory: torch.memory_format,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dressform.kernels.convolution.has_amx", lambda: amx)
    torch.manual_seed(0)
    conv, plain = Conv3x3(5, 8), nn.Conv2d(5, 8, 3, padding=1, bias=False)
    plain.load_state_dict(conv.state_dict())
    pictures = torch.randn(examples, 5, side, side - 1).contiguous(memory_format=memory)
    answer, ours = backward(conv, pictures)
    assert is_laid_out(answer) == laid_out
    # Torch's own gradients in bfloat16 are rough on processors without it: up to 3 % off.
    exact, wanted = backward(plain, pictures, torch.float32)
    for found, want in zip([answer, *ours], [exact, *wanted], strict=True):
        assert found is not None
        assert want is not None
        error = (found - want).detach().abs().max() / want.detach().abs().max()
        assert error <= 0.015


def test_a_convolution_of_small_features_is_torchs_where_nothing_is_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dressform.kernels.convolution.has_amx", lambda: True)
    conv, pictures = Conv3x3(5, 8), torch.randn(4, 5, 6, 6)
    assert is_laid_out(backward(conv, pictures)[0])
    assert not is_laid_out(conv(pictures.requires_grad_()))  # float32
    conv.weight.requires_grad_(False)
    conv.weight.grad = None
    of_pictures, of_weight = backward(conv, pictures)[1]
    assert of_pictures is not None
    assert of_weight is None
    assert not is_laid_out(backward(conv.eval(), pictures)[0])


@pytest.mark.parametrize(("examples", "rows"), [(1, 1), (25, 1), (26, 2), (250, 10)])
def test_pictures_side_by_side(examples: int, rows: int) -> None:
    pictures = torch.rand(examples, 2, 3, 4) + 1
    laid = side_by_side(pictures)
    count = -(-examples // rows)
    assert laid.shape == (rows, 2, 3, 5 * count)
    for i, picture in enumerate(pictures):
        row, place = divmod(i, count)
        assert torch.equal(laid[row, :, :, 5 * place : 5 * place + 4], picture)
    assert (laid != 0).sum() == pictures.numel()


def test_autocast_is_on_again_after_a_layer_has_failed() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with pytest.raises(RuntimeError):
            Linear(3, 2)(torch.zeros(4, 5))
        assert torch.is_autocast_enabled("cpu")


def test_a_pooling_need_not_follow_a_convolution() -> None:
    """It was counted, and not built."""
    network = Layered(features=(Conv(filters=4), Drop(rate=0.5), Pool(), Pool(size=3)), dense=(8,))
    assert build_network(network, (28, 28, 1), 10)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("recipe", ["baseline-cnn", "cnn1", "fast"])
def test_weights_of_earlier_runs_keep_their_names(recipe: str) -> None:
    network = build_network(find_recipe(recipe).model, (28, 28, 1), 10)
    names = [name for name in network.state_dict() if name.endswith("weight")]
    groups = [f"{group}.layers.{i}.weight" for group in (1, 2, 3) for i in (0, 2, 4, 5)]
    expected = {
        "fast": ["0.filters.weight", *groups, "5.weight"],
        "baseline-cnn": ["0.0.weight", "0.4.weight", "1.weight"],
        "cnn1": ["0.weight", "3.weight", "5.weight", "10.weight"],
    }
    assert names == expected[recipe]
