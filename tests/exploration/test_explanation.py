"""Features, saliency and what a report keeps of them, on a real run."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from dressform.core.errors import RunError
from dressform.data.dataset import DatasetSplits
from dressform.data.source import load_data
from dressform.exploration.explanation import explain
from dressform.exploration.neighbours import nearest
from dressform.exploration.points import training_examples
from dressform.exploration.saliency import check_same, load_network, saliency
from dressform.models import MODELS
from dressform.models.network import Classifier, build_network
from dressform.predict.export import export_onnx
from dressform.predict.features import penultimate
from dressform.predict.int8 import Int8Network
from dressform.predictions.examples import examples_of
from dressform.runs.run import Run


@pytest.mark.parametrize("name", MODELS.names)
def test_features_of_every_network(name: str, small: DatasetSplits, tmp_path: Path) -> None:
    network = Classifier(
        build_network(name, small.shape, 10), torch.tensor([0.3]), torch.tensor([0.3])
    ).eval()
    images = small.train.images[:4]
    export_onnx(network, images, tmp_path / "m.onnx")
    features = penultimate(tmp_path / "m.onnx", images)
    assert features.values.shape[0] == 4
    assert features.values.dtype == np.float32
    assert np.ptp(features.values) > 0
    with torch.no_grad():
        logits = network(torch.tensor(images).permute(0, 3, 1, 2).float() / 255).numpy()
    np.testing.assert_allclose(features.logits, logits, atol=1e-3)


def test_logits_are_a_linear_function_of_the_features(tiny_run: Run, small: DatasetSplits) -> None:
    features = penultimate(tiny_run.layout.onnx, small.train.images)
    design = np.column_stack([features.values, np.ones(len(features.values))])
    weights = np.linalg.lstsq(design, features.logits, rcond=None)[0]
    np.testing.assert_allclose(design @ weights, features.logits, atol=1e-3)


def test_a_model_without_a_product_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    node = helper.make_node("Cast", ["images"], ["logits"], to=TensorProto.FLOAT)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 2])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10),
        tmp_path / "m.onnx",
    )
    with pytest.raises(RunError, match="no product"):
        penultimate(tmp_path / "m.onnx", np.zeros((3, 2), np.uint8))


class Corner(nn.Module):
    """Class 1 is the brightness of the upper left quarter, class 0 that of the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.map.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.map(x)
        return torch.stack([y.mean((1, 2, 3)), 100 * y[:, :, :14, :14].mean((1, 2, 3))], dim=1)


def test_saliency_is_where_the_answer_comes_from() -> None:
    images = np.random.default_rng(0).integers(50, 255, (250, 28, 28, 1)).astype(np.uint8)
    maps = saliency(Corner().eval(), images)
    assert maps.shape == (250, 14, 14)
    assert (maps.reshape(250, -1).max(axis=1) == 255).all()
    assert (maps[:, :7, :7] > 0).all()
    assert not maps[:, 7:].any()
    assert not maps[:, :, 7:].any()


@pytest.mark.parametrize("name", MODELS.names)
def test_saliency_of_every_network(name: str, small: DatasetSplits) -> None:
    network = Classifier(
        build_network(name, small.shape, 10), torch.tensor([0.3]), torch.tensor([0.3])
    ).eval()
    maps = saliency(network, small.train.images[:5])
    assert maps.shape[0] == 5
    assert max(maps.shape[1:]) <= 14


def test_a_run_is_rebuilt_bit_for_bit(tiny_run: Run, small: DatasetSplits) -> None:
    images = torch.tensor(small.test.images).permute(0, 3, 1, 2).float() / 255  # type: ignore[union-attr]
    with torch.no_grad():
        logits = load_network(tiny_run)(images).numpy()
    np.testing.assert_allclose(logits, tiny_run.predictions().logits, atol=1e-4)


def test_a_network_that_gives_other_logits_is_not_explained(
    tiny_run: Run, small: DatasetSplits
) -> None:
    assert small.test is not None
    predictions = tiny_run.predictions()
    images = small.test.images[:20]
    check_same(load_network(tiny_run), images, predictions.logits[:20], tiny_run)
    with pytest.raises(RunError, match="gives other logits than when it was trained"):
        check_same(load_network(tiny_run), images, predictions.logits[20:40], tiny_run)


def test_neighbours_are_those_of_the_pictures_given(named_run: Run, tmp_path: Path) -> None:
    """Not those of the run's own training images, if others are given."""
    run = Run(tmp_path / "run", named_run.manifest)
    shutil.copytree(named_run.path, run.path, ignore=shutil.ignore_patterns("explore"))
    data = load_data(named_run.manifest.dataset.source)
    pictures, others = (
        examples_of(run.predictions(), data, "test"),
        data.train.take(np.arange(599, 299, -1)),
    )
    explanation = explain(run, "test", pictures, others)
    int8 = Int8Network(run.layout.onnx, others.images)
    own, reference = (int8.features(images) for images in (pictures.images, others.images))
    np.testing.assert_array_equal(explanation.neighbours, nearest(own, reference, 5).indices)


def test_neighbours_that_int8_found_are_taken(
    named_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run", named_run.manifest)
    shutil.copytree(named_run.path, run.path, ignore=shutil.ignore_patterns("explore"))
    data = load_data(named_run.manifest.dataset.source)
    monkeypatch.setattr(
        "dressform.exploration.explanation.penultimate",
        lambda *_: pytest.fail("the slow way was taken"),
    )
    reference = training_examples(run, data)
    explanation = explain(run, "test", examples_of(run.predictions(), data, "test"), reference)
    assert explanation.missing == []
    assert explanation.neighbours is not None
    assert explanation.neighbours.max() < len(reference)


def test_what_was_found_is_kept_and_made_anew_when_damaged(named_run: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run", named_run.manifest)
    shutil.copytree(named_run.path, run.path, ignore=shutil.ignore_patterns("explore"))
    data = load_data(named_run.manifest.dataset.source)
    pictures, reference = examples_of(run.predictions(), data, "test"), data.train
    first = explain(run, "test", pictures, reference)
    assert first.missing == []
    assert first.neighbours is not None
    assert first.neighbours.shape == (len(pictures), 5)
    assert first.saliency is not None
    cached = sorted((run.path / "explore").iterdir())
    assert [path.name.split("-")[0] for path in cached] == ["neighbours", "saliency"]
    cached[0].write_bytes(b"damaged")
    times = cached[1].stat().st_mtime_ns
    again = explain(run, "test", pictures, reference)
    np.testing.assert_array_equal(again.neighbours, first.neighbours)
    assert cached[1].stat().st_mtime_ns == times


def test_a_network_that_fails_costs_only_its_saliency(
    named_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run", named_run.manifest)
    shutil.copytree(named_run.path, run.path, ignore=shutil.ignore_patterns("explore"))

    def fails(*_: object) -> None:
        raise KeyError("of the user's own")

    monkeypatch.setattr("dressform.exploration.saliency.load_network", fails)
    data = load_data(run.manifest.dataset.source)
    examples = examples_of(run.predictions(), data, "test")
    explanation = explain(run, "test", examples, training_examples(run, data))
    assert explanation.saliency is None
    assert explanation.neighbours is not None
    (reason,) = explanation.missing
    assert reason.startswith("saliency: the network of ")
    assert "KeyError" in reason
