"""Networks as Keras's layers compute what they do in torch."""

import importlib.util
import json
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import nn

import dressform
from dressform.core.errors import ConfigError
from dressform.models import MODELS
from dressform.models.efficientnet_lite import EfficientNetLite0
from dressform.models.ensemble import Ensemble, Members
from dressform.models.fastnet import FastNet
from dressform.models.network import Classifier, build_network, count_parameters
from dressform.models.wide_resnet import WideResNet
from dressform.predict.keras_graph import KerasGraph, Output, snake_case
from dressform.predict.keras_networks import keras_graph_of
from dressform.runs.run import Run
from tests.predict.keras_reference import evaluate

SMALL: dict[str, Any] = {
    "efficientnet-lite0": EfficientNetLite0(side=32),
    "wide-resnet": WideResNet(depth=10, width=1),
    "fastnet-ensemble": Ensemble(of=FastNet(widths=(8, 8)), members=2, mirror=True),
}
"""In place of networks that take long to build."""
FASHION = (28, 28, 1)


def made(network: Any, shape: tuple[int, int, int] = FASHION) -> Classifier:
    """A network with random weights, batch norm's statistics among them, and scaled pixels."""
    classifier = Classifier(
        build_network(network, shape, 10),
        torch.linspace(0.2, 0.4, shape[2]),
        torch.linspace(0.3, 0.5, shape[2]),
    ).eval()
    generator = torch.Generator().manual_seed(0)
    for layer in classifier.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            for values in (layer.weight.data, layer.running_var):
                assert values is not None
                values.uniform_(0.5, 1.5, generator=generator)
            for values in (layer.bias.data, layer.running_mean):
                assert values is not None
                values.normal_(0, 0.1, generator=generator)
    return classifier


def images_of(shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.randint(0, 256, (3, *shape), generator=torch.Generator().manual_seed(1))


def check(classifier: Classifier, shape: tuple[int, int, int]) -> KerasGraph:
    graph = keras_graph_of(classifier, shape, temperature=1.25)
    images = images_of(shape)
    with torch.inference_mode():
        logits = classifier(images.permute(0, 3, 1, 2).float() / 255)
        for name, expected in (
            ("logits", logits),
            ("probabilities", (logits / 1.25).softmax(1)),
        ):
            found = evaluate(graph, images, name)
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    return graph


# VGG19 is twenty million weights in layers that the others have; benchmarks/keras_export.py has it.
@pytest.mark.parametrize("name", [name for name in MODELS.names if name != "vgg19"])
def test_every_network_is_the_same_in_keras(name: str) -> None:
    classifier = made(SMALL.get(name, name))
    graph = check(classifier, FASHION)
    parameters = sum(values.size for layer in graph.layers.values() for values in layer.weights)
    extra = {"lenet5-rbf": 10, "fastnet-ensemble": 28 * 28}  # a bias; a mirror
    assert parameters - extra.get(name, 0) == count_parameters(classifier)


def test_colours_and_images_that_are_padded() -> None:
    check(made("simple-dense", (9, 7, 3)), (9, 7, 3))
    check(made("minivggnet", (3, 5, 3)), (3, 5, 3))
    check(made(FastNet(widths=(8, 8)), (30, 26, 3)), (30, 26, 3))


@pytest.mark.parametrize("side", [2, 3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_paddings_by_name(side: int, padding: str) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 2, side, padding=padding), nn.Conv2d(2, 3, (side, 1), padding=padding)]
    flat = nn.Sequential(*layers, nn.Flatten())(torch.zeros(1, 1, 8, 6)).shape[1]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 10))
    graph = check(Classifier(network, torch.zeros(1), torch.ones(1)).eval(), (8, 6, 1))
    assert not any(layer.kind == "ZeroPadding2D" for layer in graph.layers.values())


def test_what_has_no_counterpart_is_refused() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(784, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.sin(self.last(images.flatten(1)))

    refused = (
        nn.Sequential(Own()),
        nn.Sequential(nn.Conv2d(1, 4, 3, dilation=2), nn.Flatten(), nn.Linear(2304, 10)),
        nn.Sequential(nn.MaxPool2d(3, padding=1), nn.Flatten(), nn.Linear(100, 10)),
        nn.Sequential(nn.MaxPool2d(2, dilation=2), nn.Flatten(), nn.Linear(169, 10)),
        nn.Sequential(nn.AvgPool2d(2, divisor_override=1), nn.Flatten(), nn.Linear(196, 10)),
        nn.Sequential(nn.BatchNorm2d(1, affine=False), nn.Flatten(), nn.Linear(784, 10)),
    )
    for network in refused:
        classifier = Classifier(network, torch.zeros(1), torch.ones(1)).eval()
        with pytest.raises(ConfigError, match=r"has no counterpart in Keras; .*to='onnx'"):
            keras_graph_of(classifier, FASHION)


def test_an_ensemble_shares_the_weights_of_images_and_their_mirror_images() -> None:
    graph = keras_graph_of(made(SMALL["fastnet-ensemble"]), FASHION)
    twice = [layer for layer in graph.layers.values() if len(layer.calls) == 2]
    assert sum(layer.kind == "Conv2D" for layer in twice) == 2 * 5  # Haar's among them
    assert not any(layer.kind == "Average" for layer in twice)
    one = Members([build_network(FastNet(widths=(8,)), FASHION, 10)])
    assert keras_graph_of(Classifier(one, torch.zeros(1), torch.ones(1)).eval(), FASHION).layers[
        "logits"
    ]


def test_the_file_is_that_of_keras(tiny_run: Run, tmp_path: Path) -> None:
    (path,) = dressform.export(tiny_run, tmp_path / "new" / "tiny.keras", to="keras")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        metadata, config = (json.loads(archive.read(n)) for n in archive.namelist()[:2])
        weights = h5py.File(BytesIO(archive.read("model.weights.h5")))
    assert metadata["date_saved"] == tiny_run.manifest.finished
    layers = config["config"]["layers"]
    names = [layer["name"] for layer in layers]
    assert names[:3] == ["images", "rescaling", "normalization"]
    assert names[-3:] == ["logits", "temperature", "probabilities"]
    known = {"images"}
    for layer in layers[1:]:
        for node in layer["inbound_nodes"]:
            (tensor,) = node["args"]
            assert tensor["config"]["keras_history"][0] in known
        known.add(layer["name"])
    assert weights["layers/conv2d_1/vars/0"].shape == (3, 3, 8, 8)
    assert weights["layers/dense/vars/0"].shape == (8, 10)
    assert len(weights["layers/batch_normalization_3/vars"]) == 4
    again = tmp_path / "again.keras"
    dressform.export(tiny_run, again, to="keras")
    assert again.read_bytes() == path.read_bytes()
    with pytest.raises(ConfigError, match=r"target is .*\.h5; allowed: a name that ends in .keras"):
        dressform.export(tiny_run, tmp_path / "tiny.h5", to="keras")


def test_weights_stand_in_the_order_of_the_distances_from_the_output() -> None:
    graph = KerasGraph(FASHION)
    images = Output("images")
    near = graph.add("ReLU", [images], FASHION, [], {"name": "near"})
    far = graph.add("ReLU", [images], FASHION, [], {"name": "far"})
    middle = graph.add("ReLU", [far], FASHION, [], {"name": "middle"})
    graph.add("Add", [near, middle], FASHION, [], {"name": "sum"})
    assert graph.keras_order() == ["images", "far", "near", "middle", "sum"]
    again = graph.call("far", [graph.call("near", [middle])])  # both later, too
    graph.add("Average", [again, Output("sum")], FASHION, [], {"name": "mean"})
    assert graph.keras_order() == ["images", "far", "middle", "near", "sum", "mean"]


def test_without_h5py_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    graph = keras_graph_of(made("simple-dense"), FASHION)
    with pytest.raises(ConfigError, match=r"needs h5py; install it with pip install 'dressform\["):
        graph.save(tmp_path / "model.keras", "simple-dense", "")


def test_names_are_those_that_keras_gives() -> None:
    kinds = ("Conv2D", "DepthwiseConv2D", "MaxPooling2D", "BatchNormalization", "ReLU", "Dense")
    assert [snake_case(kind) for kind in kinds] == [
        "conv2d",
        "depthwise_conv2d",
        "max_pooling2d",
        "batch_normalization",
        "re_lu",
        "dense",
    ]


@pytest.mark.skipif(
    importlib.util.find_spec("keras") is None,
    reason="Keras is not installed; benchmarks/keras_export.py opens every network in one that is",
)
def test_keras_opens_the_file_with_the_same_predictions(tmp_path: Path) -> None:
    import keras

    classifier = made("minivggnet")
    graph = keras_graph_of(classifier, FASHION, temperature=1.25)
    graph.save(tmp_path / "model.keras", "minivggnet", "")
    images = images_of(FASHION)
    found = keras.models.load_model(tmp_path / "model.keras").predict(images.numpy(), verbose=0)
    assert np.abs(found - evaluate(graph, images).numpy()).max() < 1e-5
