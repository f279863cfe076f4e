"""Operators that become those of ONNX, and those that are left to torch's exporter."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.core.errors import TrainingError
from dressform.models.onnx_operators import OPERATORS, traced_onnx
from dressform.models.trace import UntraceableError, trace
from dressform.predict import export

SHAPE = (3, 8, 6)


class Lambda(nn.Module):
    """A function of images [N, 3, 8, 6], with parameters of all shapes."""

    def __init__(self, compute: Callable[["Lambda", Tensor], Tensor | tuple[Tensor, ...]]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)

        def draw(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator))

        self.filters, self.grouped = draw(4, 3, 3, 3), draw(6, 1, 3, 2)
        self.square, self.row, self.each = draw(6, 6), draw(6), draw(3, 1, 1)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean, self.norm.running_var = draw(3).data, draw(3).data.square() + 0.5
        torch.manual_seed(0)
        self.encoder = nn.TransformerEncoderLayer(6, 2, 8, activation="gelu", batch_first=True)
        self.heads = nn.MultiheadAttention(6, 3)
        self.compute = compute

    def tokens(self, images: Tensor) -> Tensor:
        """A class token and each row: [N, 3, 8, 6] -> [N, 25, 6]."""
        token = self.row.view(1, 1, 6).expand(len(images), -1, -1)
        return torch.cat([token, images.flatten(1, 2)], 1)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.compute(self, images)


def own_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return (query @ key.transpose(1, 2)).softmax(-1) @ value


KNOWN: dict[str, Callable[[Lambda, Tensor], Tensor | tuple[Tensor, ...]]] = {
    "adaptive average": lambda m, x: F.adaptive_avg_pool2d(x, (4, 2)),
    "adaptive average, windows of different sizes": lambda m, x: F.adaptive_avg_pool2d(x, (5, 3)),
    "add": lambda m, x: x + m.each,
    "add in place": lambda m, x: (2 * x).add_(m.each),
    "attention": lambda m, x: F.scaled_dot_product_attention(
        x, 2 * x, x.tanh(), m.filters[:1, 0].sum() * torch.ones(8, 8).tril()
    ),
    "attention, heads by themselves": lambda m, x: m.heads(
        *[m.tokens(x).transpose(0, 1)] * 3, need_weights=True
    )[0],
    "attention, scaled": lambda m, x: F.scaled_dot_product_attention(x, -x, x, scale=0.1),
    "average pooling": lambda m, x: F.avg_pool2d(x, 3, 2, padding=1),
    "average pooling without border": lambda m, x: F.avg_pool2d(
        x, 3, 2, padding=1, count_include_pad=False, ceil_mode=True
    ),
    "batch norm": lambda m, x: m.norm(x),
    "bilinear, larger": lambda m, x: F.interpolate(
        x, size=(11, 13), mode="bilinear", align_corners=False
    ),
    "bilinear, smaller": lambda m, x: F.interpolate(
        x, size=(5, 3), mode="bilinear", align_corners=False
    ),
    "bilinear, by a factor": lambda m, x: F.interpolate(x, scale_factor=2.5, mode="bilinear"),
    "bytes": lambda m, x: (100 * x.sigmoid()).to(torch.uint8).float() / 255,
    "clamp": lambda m, x: x.clamp(-0.5, 0.25),
    "clamp below": lambda m, x: x.clamp(min=0.1),
    "concatenation": lambda m, x: torch.cat([x, 2 * x], -3),
    "class token": lambda m, x: m.tokens(x),
    "constants are computed": lambda m, x: x * (m.each.cumsum(0) + 1),
    "exponential": lambda m, x: (x.abs().sqrt() - m.each).exp(),
    "convolution": lambda m, x: F.conv2d(x, m.filters, m.row[:4], stride=(2, 1), padding=(0, 2)),
    "convolution, dilated": lambda m, x: F.conv2d(x, m.filters, dilation=2, padding="same"),
    "convolution, grouped": lambda m, x: F.conv2d(x, m.grouped, groups=3),
    "dense": lambda m, x: F.linear(x.sum((1, 2)), m.square, m.row),
    "dense, of each pixel": lambda m, x: F.linear(x, m.square[:5], m.row[:5]),
    "dense without bias": lambda m, x: x.sum((1, 2)) @ m.square,
    "divide": lambda m, x: 1 / (x.abs() + 1) / 3,
    "ELU": lambda m, x: F.elu(x, 0.7),
    "expand": lambda m, x: x.mean(1, keepdim=True).expand(-1, 4, -1, -1),
    "flatten": lambda m, x: x.permute(0, 2, 3, 1).flatten(1),
    "flip": lambda m, x: x.flip(3).flip((1, -2)),
    "gelu": lambda m, x: F.gelu(F.gelu(x), approximate="tanh"),
    "group norm": lambda m, x: F.group_norm(
        F.conv2d(x, m.filters), 2, m.row[:4], m.row[2:], eps=1e-3
    ),
    "group norm without factors": lambda m, x: F.group_norm(x.flatten(2), 3),
    "hard swish": lambda m, x: F.hardswish(4 * x) + F.hardsigmoid(4 * x),
    "identity": lambda m, x: F.dropout(x.detach().contiguous(), training=False),
    "layer norm": lambda m, x: F.layer_norm(x, (6,), m.row, m.square[0], eps=1e-3),
    "layer norm of two sides": lambda m, x: F.layer_norm(x, (8, 6)),
    "leaky ReLU": lambda m, x: F.leaky_relu(x, 0.2),
    "max pooling": lambda m, x: F.max_pool2d(x, 3, (2, 1), padding=1),
    "max pooling, rounded up": lambda m, x: F.max_pool2d(x, 3, 2, ceil_mode=True, dilation=2),
    "mean of all": lambda m, x: F.adaptive_avg_pool2d(x, 1).flatten(1),
    "mean of channels-last features": lambda m, x: F.adaptive_avg_pool2d(
        x.contiguous(memory_format=torch.channels_last), 1
    ),
    "nearest": lambda m, x: F.interpolate(F.interpolate(x, scale_factor=2), size=(7, 5)),
    "negative": lambda m, x: -x,
    "padding": lambda m, x: F.pad(x, (1, 2, 0, 3), value=0.5),
    "one channel, a row, the last column": lambda m, x: (x[:, 1], x[:, :, 2], x.select(3, -1)),
    "part of the images' sides": lambda m, x: x[:, -2:, 1:-1:2, :4] + x[:, 1:, 1:6:2, 2:6],
    "power": lambda m, x: 1 - x**2 + (x.abs() + 1) ** 0.5,
    "PReLU": lambda m, x: F.prelu(F.prelu(x, m.row[:3]), m.row[3:4]),
    "reductions": lambda m, x: x.amax((2, 3)) + x.amin((-1, -2)) + x.mean((2, 3)) + x.sum((2, 3)),
    "ReLU6": lambda m, x: F.relu6(F.relu(4 * x)),
    "several outputs": lambda m, x: (x.sum((2, 3)), x.tanh()),
    "shared filters": lambda m, x: F.conv2d(x, m.filters) + F.conv2d(x.flip(3), m.filters),
    "softmax": lambda m, x: x.softmax(-2),
    "squares": lambda m, x: (x * x).sum(1),
    "split": lambda m, x: (*x.split(3, 2), *x.split([1, 5], -1), *x.chunk(2, 3)),
    "stack": lambda m, x: torch.stack([x, x.sigmoid()]).mean(0),
    "swish": lambda m, x: F.silu(x),
    "transformer": lambda m, x: m.encoder(m.tokens(x)),
    "transpose": lambda m, x: x.transpose(1, -1),
    "unbound": lambda m, x: own_attention(*x.unbind(1)),
    "unsqueeze": lambda m, x: x.unsqueeze(1).squeeze(1),
}


def changed_through_a_view(module: Lambda, images: Tensor) -> Tensor:
    images = images + 1
    images.permute(0, 2, 3, 1).mul_(2)
    return images


UNKNOWN: dict[str, Callable[[Lambda, Tensor], Tensor]] = {
    "an operator that is not here": lambda m, x: x.cumsum(1),
    "as many outputs as images": lambda m, x: x if len(x) == 2 else x + 0,
    "constants by the number of images": lambda m, x: x * torch.ones(len(x), 1, 1, 1).cumsum(0),
    "factors that are not those of the sizes": lambda m, x: F.interpolate(
        x, scale_factor=1.3, mode="bilinear"
    ),
    "one image for all": lambda m, x: x.mean(0, keepdim=True).expand(len(x), -1, -1, -1),
    "the number of images": lambda m, x: x * len(x),
    "the numbers of an image": lambda m, x: x if float(x.sum()) > 1e9 else -x,
    "other arguments for two images": lambda m, x: x + (x if len(x) == 2 else 1),
    "a change that a view sees": changed_through_a_view,
    "where the largest is": lambda m, x: F.max_pool2d(x, 2, return_indices=True)[1].float(),
    "the first images": lambda m, x: x[:2] if len(x) == 2 else x[:3],
    "the first image": lambda m, x: x[0],
    "the other images": lambda m, x: x[1:],
    "a product of two tensors": lambda m, x: x.sum((2, 3)) @ x.sum((2, 3)).t(),
    "no image": lambda m, x: m.square,
    "each image": lambda m, x: torch.stack(x.unbind()),
    "causal attention": lambda m, x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "the images by the images": lambda m, x: (x.mean((1, 2, 3))[:, None] - x.mean((1, 2, 3))).view(
        len(x), len(x), 1
    ),
    "some of the images": lambda m, x: torch.cat(x.split(2)),
    "whole numbers": lambda m, x: (x > 0).float(),
}


def outputs_of(content: bytes, images: Tensor) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(None, {"images": images.numpy()})
    return outputs


@pytest.mark.parametrize("name", KNOWN)
def test_onnx_computes_what_torch_does(name: str) -> None:
    module = Lambda(KNOWN[name]).eval()
    images = torch.randn(7, *SHAPE, generator=torch.Generator().manual_seed(1))
    expected = module(images[:1])
    names = [f"output {i}" for i in range(len(expected) if isinstance(expected, tuple) else 1)]
    model = traced_onnx(module, images[:1], names)
    onnx.checker.check_model(model, full_check=True)
    assert [output.name for output in model.graph.output] == names
    for count in (1, 2, 7):  # traced with two and three
        with torch.no_grad():
            expected = module(images[:count])
        tensors = expected if isinstance(expected, tuple) else (expected,)
        arrays = outputs_of(model.SerializeToString(), images[:count])
        for tensor, array in zip(tensors, arrays, strict=True):
            np.testing.assert_allclose(array, tensor.numpy(), rtol=1e-4, atol=1e-5)


def test_every_conversion_is_tried() -> None:
    images = torch.randn(2, *SHAPE)
    modules = [Lambda(compute).eval() for compute in KNOWN.values()]
    tried = {operator.name for module in modules for operator in trace(module, images)[0]}
    assert {OPERATORS[name] for name in tried} == set(OPERATORS.values())


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_onnx_would_compute_otherwise_is_refused(name: str) -> None:
    module = Lambda(UNKNOWN[name]).eval()
    with pytest.raises(UntraceableError):
        traced_onnx(module, torch.randn(3, *SHAPE), ["logits"])


class Logits(nn.Module):
    """A classifier of images [N, 3, H, W] around a function."""

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.compute, self.last = compute, nn.Linear(3, 4)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.last(self.compute(images).mean((2, 3)))
        return logits


def answered_together(images: Tensor) -> Tensor:
    """Other operators for one image; a file of the others would be wrong for it."""
    return images - images.mean(0, keepdim=True) if len(images) > 1 else images


@pytest.mark.parametrize("compute", [lambda x: x.cumsum(2), lambda x: x.clone() + x.size(0)])
def test_torch_exports_the_others(
    compute: Callable[[Tensor], Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    by_torch = export._by_torch

    def noted(module: nn.Module, sample: Tensor) -> bytes:
        calls.append(1)
        return by_torch(module, sample)

    monkeypatch.setattr(export, "_by_torch", noted)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), np.uint8)
    for network, expected in ((Logits(compute), [1]), (Logits(torch.relu), [])):
        calls.clear()
        difference = export.export_onnx(network.eval(), images, tmp_path / "m.onnx")
        assert difference < 1e-4
        assert calls == expected
        logits, probabilities = outputs_of((tmp_path / "m.onnx").read_bytes(), torch.tensor(images))
        assert logits.shape == (5, 4)
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def fails(images: Tensor) -> Tensor:
    raise ValueError("no such\nimages")


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (answered_together, "1 image"),
        (lambda x: torch.cat([x[i : i + 5] for i in range(0, len(x), 5)]), "1 image"),
        (fails, r"cannot be exported to ONNX \(ValueError: no such\)"),
        (lambda x: x.half(), "cannot be exported|the network fails"),
    ],
)
def test_a_network_that_has_no_file_gets_a_line(
    compute: Callable[[Tensor], Tensor], message: str, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), np.uint8)
    with pytest.raises(TrainingError, match=message) as told:
        export.export_onnx(Logits(compute).eval(), images, tmp_path / "m.onnx")
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_names_of_parameters_are_kept() -> None:
    module = Lambda(KNOWN["shared filters"]).eval()
    model = traced_onnx(module, torch.randn(2, *SHAPE), ["logits"])
    names = [constant.name for constant in model.graph.initializer]
    assert [name for name in names if not name.startswith("constant")] == ["filters"]


def test_a_constant_that_is_used_twice_is_stored_once() -> None:
    module = Lambda(lambda m, x: (x.sum((1, 2)) @ m.square) @ m.square).eval()
    model = traced_onnx(module, torch.randn(2, *SHAPE), ["logits"])
    assert sum(list(constant.dims) == [6, 6] for constant in model.graph.initializer) == 1
