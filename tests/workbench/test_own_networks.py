"""Networks of a user's file: exported for Keras, and with scores that are not finite."""

from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import ConfigError, DataError
from dressform.data.dataset import DatasetSplits
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import Predictor
from tests.training.undrawn import train_undrawn

FILE = """
from dataclasses import dataclass, replace

from torch import Tensor, nn

from dressform.recipes import find_recipe


@dataclass(frozen=True, kw_only=True)
class Layers:
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(shape[2], 4, 3, padding="same"), nn.ReLU(), nn.Flatten(),
            nn.Linear(4 * shape[0] * shape[1], classes),
        )


class Standardised(nn.Module):
    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.dense = nn.Linear(features, classes)

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.flatten(1)
        low, high = pixels.amin(1, keepdim=True), pixels.amax(1, keepdim=True)
        return self.dense((pixels - low) / (high - low))


@dataclass(frozen=True, kw_only=True)
class EachByItself:
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Standardised(shape[0] * shape[1] * shape[2], classes)


def layers():
    return replace(find_recipe("simple-dense"), name="layers", model=Layers(), epochs=1)


def standardised():
    return replace(find_recipe("simple-dense"), name="standardised", model=EachByItself(), epochs=1)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.py"
    path.write_text(FILE)
    return path


def test_a_keras_file_of_it(file: Path, small: DatasetSplits, tmp_path: Path) -> None:
    reference = f"{file}:layers"
    run = train_undrawn(reference, small, out=tmp_path)
    with pytest.raises(dressform.DressformError, match="recipe="):
        dressform.export(run, tmp_path / "own.keras", to="keras")
    (path,) = dressform.export(run, tmp_path / "own.keras", to="keras", recipe=reference)
    assert path.stat().st_size > 1_000
    with pytest.raises(ConfigError, match="recipe=.* does not apply to onnx"):
        dressform.export(run, tmp_path / "onnx", to="onnx", recipe=reference)


def test_an_image_without_finite_scores_has_an_error(
    file: Path, small: DatasetSplits, tmp_path: Path
) -> None:
    """The others of its batch are answered."""
    run = train_undrawn(f"{file}:standardised", small, out=tmp_path)
    predictor, images = Predictor(run), small.train.images[:2]
    black = np.zeros(small.shape, np.uint8)
    with pytest.raises(DataError, match="black gets no finite scores from the model"):
        predictor.predict(black, name="black")
    first, second, third = predictor.predict_many([images[0], black, images[1]], workers=1)
    assert isinstance(second, DataError)
    assert isinstance(first, Prediction)
    assert isinstance(third, Prediction)
    assert first.top[0][1] == pytest.approx(predictor.predict(images[0]).top[0][1], abs=1e-5)
