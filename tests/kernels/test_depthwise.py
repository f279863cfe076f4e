import pytest
import torch
import torch.nn.functional as F

from dressform.kernels.depthwise import _Depthwise5, depthwise5


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [(2, 2), (0, 0), (2, 1)])
@pytest.mark.parametrize("sides", [(9, 9), (7, 12)])
@pytest.mark.parametrize("channels", [1, 3, 16])
def test_output_and_gradients_are_those_of_a_convolution(
    channels: int, sides: tuple[int, int], padding: tuple[int, int], stride: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((4, channels, *sides), generator=generator).contiguous(
        memory_format=torch.channels_last
    )
    weight = torch.randn((channels, 1, 5, 5), generator=generator)
    found = []
    for way in (_Depthwise5.apply, lambda x, w, s, p: F.conv2d(x, w, None, s, p, 1, channels)):
        given, filters = x.clone().requires_grad_(), weight.clone().requires_grad_()
        out = way(given, filters, stride, padding)
        (out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum().backward()
        found.append((out, given.grad, filters.grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [(2, 2), (0, 0), (1, 2)])
@pytest.mark.parametrize("side", [6, 7, 8])
def test_bfloat16_pictures_teach_float32_weights(
    side: int, padding: tuple[int, int], stride: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    weight, x = (
        torch.randn((8, 1, 5, 5), generator=generator),
        torch.randn((2, 8, side, side), generator=generator),
    )
    found = []
    for dtype, way in (
        (torch.bfloat16, depthwise5),
        (torch.float32, lambda x, w, s, p: F.conv2d(x, w, None, s, p, 1, 8)),
    ):
        given, filters = x.to(dtype).requires_grad_(), weight.clone().requires_grad_()
        way(given, filters, stride, padding).float().square().sum().backward()
        found.append((given.grad, filters.grad))
        assert filters.grad is not None
        assert filters.grad.dtype == torch.float32
    for ours, exact in zip(*found, strict=True):
        assert (ours.float() - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize(
    ("side", "dtype", "ours"),
    [
        (4, torch.float32, True),
        (5, torch.float32, False),
        (4, torch.bfloat16, True),
        (14, torch.bfloat16, True),
    ],
)
def test_it_is_taken_where_it_is_faster(side: int, dtype: torch.dtype, ours: bool) -> None:
    x = torch.rand(2, 3, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
    answer = depthwise5(x, torch.rand(3, 1, 5, 5, requires_grad=True), 1, (2, 2))
    assert ("_Depthwise5" in str(answer.grad_fn)) == ours
