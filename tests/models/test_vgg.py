"""VGG19's weights: from a file, from an address, and what is told when they are not there."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch

from dressform.core.errors import ConfigError
from dressform.models import pretrained
from dressform.models.transfer import Transfer
from dressform.models.vgg import VGG19, convolutions


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random numbers under torchvision's names, dense layers among them, which are not needed."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "model.safetensors"
    values = {
        f"features.{name}": torch.randn_like(v) * 0.02
        for name, v in convolutions().state_dict().items()
    }
    safetensors.torch.save_file({**values, "head.fc.bias": torch.zeros(1000)}, path)
    return path


@pytest.fixture
def address(weights: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        asked = 0

        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, directory=str(weights.parent), **more)

        def do_GET(self) -> None:
            type(self).asked += 1
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/model.safetensors"
        server.shutdown()
        thread.join()
        assert Handler.asked <= 1


def first_filter(network: object) -> torch.Tensor:
    assert isinstance(network, Transfer)
    weight = network.backbone.get_parameter("1.0.weight")
    return weight.detach()


def test_weights_of_a_file_are_taken_and_stay(weights: Path) -> None:
    network = VGG19(weights=str(weights), side=32).build((28, 28, 1), 10)
    expected = safetensors.torch.load_file(weights)["features.0.weight"]
    assert torch.equal(first_filter(network), expected)
    assert [
        name.partition(".")[0] for name, p in network.named_parameters() if p.requires_grad
    ] == ["head"] * 4
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_the_address_is_asked_once(
    address: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "VGG19_ADDRESS", address)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        network = VGG19(weights="hub", side=32).build((28, 28, 1), 10)
        assert torch.equal(
            first_filter(network), safetensors.torch.load_file(weights)["features.0.weight"]
        )


def test_what_cannot_be_had_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(text: str) -> None:
        VGG19(weights=text, side=32).build((28, 28, 1), 10)

    with pytest.raises(ConfigError, match="were not found"):
        build(str(tmp_path / "absent.safetensors"))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigError, match="not a safetensors file"):
        build(str(tmp_path / "text"))
    safetensors.torch.save_file({"conv.weight": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(ConfigError, match=r"has no features\.0\.weight"):
        build(str(tmp_path / "other"))
    safetensors.torch.save_file({"features.0.weight": torch.zeros(1)}, tmp_path / "small")
    with pytest.raises(ConfigError, match=r"is \[1\], VGG19's is \[64, 3, 3, 3\]"):
        build(str(tmp_path / "small"))
    monkeypatch.setattr(pretrained, "VGG19_ADDRESS", "http://127.0.0.1:9/model.safetensors")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="cannot be fetched"):
        build("hub")
    with pytest.raises(ConfigError, match="or hub, which fetches 575 MB"):
        build("imagenet")
