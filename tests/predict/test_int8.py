"""int8 networks against the float32 networks that they are made of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.core.errors import ConfigError, DataError
from dressform.data.dataset import DatasetSplits
from dressform.models.fastnet import GlobalMax, HaarStem, Scale
from dressform.models.layers import Flatten
from dressform.models.network import Classifier
from dressform.predict.export import export_onnx
from dressform.predict.features import penultimate
from dressform.predict.int8 import Int8Network
from dressform.predict.predictor import Predictor
from dressform.predict.quick import QuickPredictor, margins
from dressform.runs.run import Run


def conv(inputs: int, outputs: int, **options: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, **{"padding": 1, **options})


def plain() -> nn.Module:
    """Batch norm after ReLU, so that a border of zeros is none of the bytes' zeros; a dead filter;
    batch norm of dense units.
    """
    first, dense = conv(1, 8), nn.Linear(12 * 49, 20)
    with torch.no_grad():
        first.weight[0], first.bias[0] = 0, -1  # type: ignore[index]
        dense.bias.add_(1)  # active for most pictures: int8's range of a unit is what was seen
    return nn.Sequential(
        first,
        nn.ReLU(),
        nn.BatchNorm2d(8),
        conv(8, 8),
        nn.ReLU(),
        nn.BatchNorm2d(8),
        nn.MaxPool2d(2),
        nn.Dropout(),
        conv(8, 12),
        nn.MaxPool2d(2),
        nn.ReLU(),
        Flatten(),
        dense,
        nn.ReLU(),
        nn.BatchNorm1d(20),
        nn.Linear(20, 10),
    )


def folded() -> nn.Module:
    """Batch norm between pooling and ReLU, with factors of both signs; a global maximum."""
    return nn.Sequential(
        HaarStem(1),
        conv(8, 12),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        conv(12, 12),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        conv(12, 16, stride=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        GlobalMax(),
        nn.Linear(16, 10, bias=False),
        Scale(0.5),
    )


def with_statistics(network: nn.Module, images: NDArray[np.uint8], *, negative: bool) -> Classifier:
    """Random batch norms whose running statistics fit the pictures."""
    whole = Classifier(network, torch.tensor([0.3]), torch.tensor([0.35]))
    for layer in whole.modules():
        if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm1d)):
            layer.momentum = None
            if layer.affine:
                nn.init.normal_(layer.bias, std=0.5)
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                if negative:
                    layer.weight.data *= torch.where(torch.rand_like(layer.weight) < 0.5, -1, 1)
    with torch.no_grad():
        whole.train()(torch.tensor(images).permute(0, 3, 1, 2).float() / 255)
    return whole.eval()


def float32(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"images": images})[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("build", "negative"), [(plain, False), (folded, True)])
def test_logits_are_those_of_float32_but_for_rounding(
    build: Callable[[], nn.Module],
    negative: bool,
    seed: int,
    fashion: DatasetSplits,
    tmp_path: Path,
) -> None:
    torch.manual_seed(seed)
    images = fashion.train.images[:400]
    network = with_statistics(build(), images, negative=negative)
    export_onnx(network, images, tmp_path / "m.onnx")
    others = fashion.train.images[400:600]
    wanted = float32(tmp_path / "m.onnx", others)
    found = Int8Network(tmp_path / "m.onnx", images).logits(others)
    assert found.dtype == np.float32
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.08 * wanted.std()
    sure = margins(wanted) > 0.4 * wanted.std()
    assert sure.sum() >= 10
    assert (found.argmax(1) == wanted.argmax(1))[sure].all()


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.relu() + x


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([conv(1, 4), nn.Tanh(), Flatten(), nn.Linear(4 * 784, 10)], "has the operator Tanh"),
        (
            [conv(1, 4), nn.ReLU(), nn.AvgPool2d(2), Flatten(), nn.Linear(4 * 196, 10)],
            "has the operator AveragePool",
        ),
        ([Flatten(), nn.Linear(784, 10)], "does not start with a convolution"),
        (
            [conv(1, 4), nn.ReLU(), nn.MaxPool2d(3), Flatten(), nn.Linear(4 * 81, 10)],
            "a pooling other than 2 x 2",
        ),
        (
            [conv(1, 4), nn.ReLU(), conv(4, 4, groups=4), Flatten(), nn.Linear(4 * 784, 10)],
            "a grouped, dilated or unevenly padded convolution",
        ),
        (
            [conv(1, 4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 784, 10)],
            "flattens channels first",
        ),
        (
            [conv(1, 4), nn.ReLU(), Flatten(), nn.Linear(4 * 784, 10), nn.ReLU()],
            "does not end with a product",
        ),
        ([conv(1, 4), Twice(), Flatten(), nn.Linear(4 * 784, 10)], "has the operator Add"),
    ],
)
def test_networks_that_int8_does_not_have_are_refused(
    layers: list[nn.Module], message: str, fashion: DatasetSplits, tmp_path: Path
) -> None:
    images = fashion.train.images[:200]
    network = Classifier(nn.Sequential(*layers), torch.zeros(1), torch.ones(1)).eval()
    export_onnx(network, images, tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match=f"{message}.*; use the float32 Predictor"):
        Int8Network(tmp_path / "m.onnx", images)


def test_a_negative_factor_after_a_relu_is_refused(fashion: DatasetSplits, tmp_path: Path) -> None:
    images = fashion.train.images[:200]
    export_onnx(with_statistics(plain(), images, negative=True), images, tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="negative factor"):
        Int8Network(tmp_path / "m.onnx", images)


def test_a_pooling_that_turns_signs_with_a_border_below_0_is_refused(
    fashion: DatasetSplits, tmp_path: Path
) -> None:
    images = fashion.train.images[:200]
    layers = [
        conv(1, 4),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        conv(4, 4),
        Flatten(),
    ]
    network = with_statistics(
        nn.Sequential(*layers, nn.Linear(4 * 196, 10)), images, negative=False
    )
    inner = network.network
    assert isinstance(inner, nn.Sequential)
    with torch.no_grad():
        inner.get_submodule("2").get_parameter("weight").neg_()
        inner.get_submodule("4").get_parameter("bias").fill_(5)
    export_onnx(network, images, tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="pools with a sign change"):
        Int8Network(tmp_path / "m.onnx", images)


def test_features_are_what_the_last_product_takes(fashion: DatasetSplits, tmp_path: Path) -> None:
    images = fashion.train.images[:400]
    for build in (plain, folded):
        export_onnx(with_statistics(build(), images, negative=False), images, tmp_path / "m.onnx")
        exact, found = (
            penultimate(tmp_path / "m.onnx", images).values,
            Int8Network(tmp_path / "m.onnx", images).features(images),
        )
        assert found.shape == exact.shape
        assert np.linalg.norm(found - exact) < 0.15 * np.linalg.norm(exact - exact.mean(axis=0))


def test_what_bytes_cannot_say_is_told(fashion: DatasetSplits, tmp_path: Path) -> None:
    images = fashion.train.images[:300]
    network = nn.Sequential(conv(1, 4, bias=False), nn.ReLU(), Flatten(), nn.Linear(4 * 784, 10))
    export_onnx(
        Classifier(network, torch.zeros(1), torch.ones(1)).eval(), images, tmp_path / "m.onnx"
    )
    dimmed = (images * np.linspace(0.2, 1, 300).reshape(-1, 1, 1, 1)).astype(np.uint8)
    int8, exact = (
        Int8Network(tmp_path / "m.onnx", dimmed[:100]),
        penultimate(tmp_path / "m.onnx", dimmed).values,
    )
    logits, beyond = int8.logits_and_saturation(dimmed)
    np.testing.assert_array_equal(logits, int8.logits(dimmed))
    clipped = (exact - int8.features(dimmed)).max(axis=1)
    assert not beyond[:100].any()
    assert 50 < beyond.sum() < 200
    assert clipped[beyond].min() > -0.01 * exact.max()
    assert clipped[~beyond].max() < 0.02 * exact.max() < clipped[beyond].max()


def test_quick_gives_the_classes_of_the_predictor(tiny_run: Run, fashion: DatasetSplits) -> None:
    quick, exact = QuickPredictor(tiny_run, fashion.train.images[:300]), Predictor(tiny_run)
    images = fashion.train.images[300:600]
    wanted, found = exact.logits(images), quick.logits(images)
    np.testing.assert_array_equal(quick.predicted(images), wanted.argmax(1))
    assert quick.margin > 0
    assert 0 <= quick.repeated < 1
    repeated = (found == wanted).all(axis=1)
    assert 0 < repeated.sum() < len(images)
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 3 * quick.error < wanted.std()
    assert quick.class_names == exact.class_names
    with pytest.raises(
        DataError, match="100 images are too few to measure the margin of int8; give 200 or more"
    ):
        QuickPredictor(tiny_run, images[:100])
