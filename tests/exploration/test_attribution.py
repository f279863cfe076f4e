"""Saliency of predictions: covering an image where only its logits are known, gradients of a
run.
"""

import shutil
from pathlib import Path

import numpy as np

from dressform.exploration.attribution import attribute
from dressform.exploration.occlusion import occlusion
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run


def corner_model(images: np.ndarray) -> np.ndarray:
    """Class 1 as far as the top left quarter of the image is bright."""
    height, width = images.shape[1] // 2, images.shape[2] // 2
    bright = images[:, :height, :width].mean(axis=(1, 2, 3)) / 20
    return np.stack([np.full(len(images), 2.0), bright], axis=1).astype(np.float32)


def test_occlusion_finds_what_the_model_looks_at() -> None:
    images = np.zeros((3, 32, 24, 3), np.uint8)
    images[:2, 4:28, 4:20] = 200
    images[1, :, 12:] = 0
    maps = occlusion(corner_model, images)
    assert maps.shape == (3, 8, 8)
    assert maps.dtype == np.uint8
    assert maps[:2, :5, :5].max() == 255
    assert not maps[:2, 5:].any()
    assert not maps[:2, :, 5:].any()
    # Covering black with the black of its border changes nothing.
    assert not maps[2].any()
    assert occlusion(corner_model, images[:, :5, :2]).shape == (3, 5, 2)


def test_gradients_where_there_are_weights_and_else_occlusion(
    named_run: Run, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 28, 28, 1), np.uint8)
    own = attribute(Predictor(named_run), images)
    assert (own.method, own.reason, len(own.maps)) == ("HiResCAM", "", 3)
    assert own.maps.max(axis=(1, 2)).tolist() == [255, 255, 255]
    shutil.copytree(named_run.layout.weights, tmp_path / "weights")
    other = attribute(Predictor(tmp_path / "weights"), images)
    assert other.method == "occlusion sensitivity"
    assert "has no weights beside model.onnx" in other.reason
    np.testing.assert_array_equal(
        other.maps, occlusion(Predictor(named_run).logits, images), strict=True
    )
