"""Which features an exported network has."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from dressform.core.errors import RunError
from dressform.data.dataset import DatasetSplits
from dressform.models.network import Classifier
from dressform.predict.export import export_onnx
from dressform.predict.features import logits_of, offer_features, penultimate
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run


class PixelByPixel(nn.Module):
    """[N, C, H, W] -> [N, K]: a dense layer at each pixel, averaged."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(channels, 10)

    def forward(self, features: Tensor) -> Tensor:
        classes: Tensor = self.dense(features.permute(0, 2, 3, 1))
        return classes.mean((1, 2))


class Thresholds(nn.Module):
    """[N, 1, H, W] -> [N, 10]: which fraction of the pixels is how bright. No product."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([(images - i / 10).relu().mean((2, 3)) for i in range(10)], 1)


def trunk() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(5))


def average(features: Tensor) -> Tensor:
    return features.mean((2, 3))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(200, 10)), nn.Flatten()),
        (nn.Sequential(nn.Conv2d(8, 10, 5), nn.Flatten()), nn.Flatten()),
        (nn.Sequential(nn.Conv2d(8, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), average),
        (PixelByPixel(8), average),
    ],
    ids=["dense", "as large as the features", "1 x 1", "dense at each pixel"],
)
def test_the_last_product_sees_them(
    head: nn.Module, expected: Callable[[Tensor], Tensor], small: DatasetSplits, tmp_path: Path
) -> None:
    """Pooling to windows of different sizes is written as a product with a constant, too."""
    torch.manual_seed(0)
    body, path, images = trunk(), tmp_path / "m.onnx", small.train.images[:4]
    network = Classifier(nn.Sequential(body, head), torch.zeros(1), torch.ones(1)).eval()
    export_onnx(network, images, path)
    assert "Einsum" in {node.op_type for node in onnx.load(str(path)).graph.node}
    before = penultimate(path, images)
    assert offer_features(path) == "features"
    found = penultimate(path, images)
    with torch.no_grad():
        pixels = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
        np.testing.assert_allclose(found.values, expected(body(pixels)), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.logits, network(pixels), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.values, before.values)


def test_a_network_without_a_product_has_none(small: DatasetSplits, tmp_path: Path) -> None:
    path, images = tmp_path / "m.onnx", small.train.images[:4]
    network = Classifier(Thresholds(), torch.zeros(1), torch.ones(1)).eval()
    export_onnx(network, images, path)
    before = path.read_bytes()
    assert offer_features(path) is None
    assert path.read_bytes() == before
    with pytest.raises(RunError, match="no product whose input could be its features"):
        penultimate(path, images)
    expected = network(torch.tensor(images).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_allclose(logits_of(path, images), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_a_model_offers_its_features(named_run: Run, small: DatasetSplits, tmp_path: Path) -> None:
    """The run's own file does; a second time changes nothing."""
    assert small.test is not None
    model = Path(shutil.copy(named_run.layout.onnx, tmp_path))
    assert offer_features(model) == "features"
    assert model.read_bytes() == named_run.layout.onnx.read_bytes()
    assert Predictor(named_run).description.output.features == "features"
